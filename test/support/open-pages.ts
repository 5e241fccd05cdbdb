import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Locator, Page } from 'playwright-core'
import { expect, onTestFinished, vi } from 'vitest'
import { buildPages, freePort, type Look, launchBrowser, openPage, screenshots } from './browser.ts'
import { makeDirectory, type Serving, sallyport, serve } from './cli.ts'
import { startMailServer } from './mail-server.ts'
import { callerOf, makePhone, type Phone } from './people.ts'
import { logLine, testKey } from './yubikey.ts'

// Browsers are slow where other tests run beside: what has not come by then does not come.
vi.setConfig({ testTimeout: 120_000, hookTimeout: 120_000 })

export const password = 'Quartz-lantern-ferry-09'
/** An administrator with nothing enrolled, whom no rule may keep out. */
export const root = 'root@example.org'
const window = 4
/** Phones keep a step away from the ends of the window: a busy browser may take long to hand a code in. */
const phoneWindow = window - 1

export interface Somebody {
  id: string
  email: string
}

export interface Phoned extends Somebody {
  phone: Phone
  backup: string[]
}

/** Whose page, and what is done to it before it loads. */
interface Opening extends Look {
  as?: string
  prepare?(page: Page): unknown
  /** What a test breaks on purpose. */
  broken?: RegExp
}

export type Pages = Awaited<ReturnType<typeof openPages>>

/** The authenticator that holds this secret. */
export const phoneOf = (secret: string) => makePhone(secret, { window: phoneWindow })

/** The running product, a mail server beside it, and Chromium to look at its pages with. */
export async function openPages(options: { config?: object; policies?: object; yubikey?: boolean } = {}) {
  buildPages()
  const directory = makeDirectory()
  const data = join(directory.path, 'data')
  const mail = await startMailServer()
  const port = await freePort()
  // Keys belong to a name, and not to an address of numbers.
  const url = `http://localhost:${port}`
  const browser = await launchBrowser('--enable-blink-features=ComputedAccessibilityInfo')

  function write(name: string, document: object): string {
    writeFileSync(join(directory.path, name), JSON.stringify(document))
    return join(directory.path, name)
  }

  const start = (config: object, env: Record<string, string> = {}) => {
    const smtp = { host: '127.0.0.1', port: mail.port, secure: 'none' }
    // A lock outlasts the slowest machine that looks for it on a page.
    const lockout = { within: '1h', lock_for: ['1h'] }
    const file = write('sallyport.yaml', {
      ...{ public_url: url, mail: { smtp }, totp: { window }, lockout, trusted_proxies: ['127.0.0.1'] },
      ...config,
    })
    return serve(['--port', String(port), '--data', data, '--config', file], { env })
  }
  let server: Serving = await start({
    ...options.config,
    ...(options.policies && { login_policies: write('policies.json', options.policies) }),
  })
  if (options.yubikey) {
    writeFileSync(join(directory.path, 'log.csv'), `${logLine(testKey)}\n`)
    const words = ['yubikey', 'import', join(directory.path, 'log.csv'), '--apply', '--data', data]
    expect((await sallyport(words)).code).toBe(0)
  }
  const setupLink = /http:\S+\/setup#token=(\S+)/.exec(server.out)!

  const call = callerOf(() => url)
  const post = async (path: string, body?: object, token?: string, headers = {}) => {
    const answer = await call('POST', path, { token, headers, ...(body && { body }) })
    if (answer.status >= 300) throw new Error(`${path}: ${answer.status} ${JSON.stringify(answer.body)}`)
    return answer.body
  }
  let token = ''
  /** The first administrator, by the printed link, where a test does not use it up itself. */
  async function makeRoot() {
    await post('/auth/invitation/accept', { token: setupLink[1], email: root, password })
    token = (await post('/auth/login', { email: root, password })).access_token
  }
  const login = (email: string, address = '192.0.2.7', secret = password) =>
    post('/auth/login', { email, password: secret }, undefined, { 'x-forwarded-for': address })

  async function addUser(name: string, role = 'user'): Promise<Somebody> {
    const email = `${name}@example.org`
    const invited = await post('/api/admin/users', { email, role }, token)
    await post('/auth/invitation/accept', { token: invited.token, password })
    return { id: invited.user.id, email }
  }

  async function addPhone(name: string, role = 'user'): Promise<Phoned> {
    const user = await addUser(name, role)
    const { access_token, enrollment_token = access_token } = await login(user.email)
    const begun = await post('/auth/mfa/enroll/totp', { name: 'Authenticator app' }, enrollment_token)
    const phone = phoneOf(begun.secret)
    await post('/auth/mfa/enroll/verify', { code: await phone.code() }, enrollment_token)
    return { ...user, phone, backup: begun.backup_codes }
  }

  /** Wrong codes until somebody is locked. */
  async function lock({ email, phone }: Phoned) {
    const { temp_token } = await login(email)
    const body = { temp_token, code: phone.wrong(), method: 'totp' }
    for (let guess = 0; guess < 5; guess++) await call('POST', '/auth/mfa/verify', { body })
  }

  /** What the newest letter to somebody holds, of those that came after so many: a notice may come between. */
  async function inLetterTo(email: string, after: number, wanted: RegExp): Promise<string> {
    const found = () =>
      mail.mails
        .slice(after)
        .filter(({ to }) => [to].flat()[0]?.text === email)
        .flatMap(({ text }) => wanted.exec(text ?? '') ?? [])
    await expect.poll(() => found().length, { timeout: 20_000 }).toBeGreaterThan(0)
    return found().at(-1)!
  }

  /** What the browser of somebody with a password alone holds. */
  async function cookiesOf(email: string) {
    const { headers } = await call('POST', '/auth/login', { body: { email, password } })
    return headers.getSetCookie().map((cookie) => {
      const [, name, value] = /^([^=]+)=([^;]*)/.exec(cookie)!
      return { name: name!, value: value!, url, httpOnly: true, sameSite: 'Lax' as const }
    })
  }

  return {
    ...{ url, browser, mail, call, post, makeRoot, login, addUser, addPhone, lock, write },
    setupLink: setupLink[0],
    /** Calls as the first administrator. */
    asRoot: (path: string, body: object = {}) => post(path, body, token),
    rootToken: () => token,
    codeTo: (email: string, after: number) => inLetterTo(email, after, /(?<=^ {4})\d{6}$/m),
    linkTo: (email: string, after: number) => inLetterTo(email, after, /http:\S+#token=\S+/),
    /** Ends the server and starts it anew on what it knew, with another configuration or clock. */
    async restart(config: object, env?: Record<string, string>) {
      await server.stop()
      server = await start(config, env)
    },
    /** A page, of ours or elsewhere, whose faults fail the test, whatever else it looks at. */
    async open(path: string, { as, prepare, broken, ...look }: Opening = {}): Promise<Page> {
      const address = new URL(path, url)
      const { page, context, faults } = await openPage(browser, address.origin, look)
      onTestFinished(async ({ task }) => {
        if (task.result?.state === 'fail')
          await page.screenshot({ path: `${screenshots}failed-${task.name.slice(0, 30)}.png` })
        await context.close()
        expect(faults.filter((fault) => !broken?.test(fault))).toEqual([])
      })
      if (as !== undefined) {
        await context.addCookies(await cookiesOf(as))
        // Whether there are cookies to try, the pages keep here: they cannot see them.
        await context.addInitScript("localStorage.setItem('sallyport.signed-in', 'yes')")
      }
      await prepare?.(page)
      await page.goto(address.href)
      return page
    },
    async close() {
      await browser.close()
      await server.stop()
      await mail.close()
      directory.remove()
    },
  }
}

/** A page that comes into view again looks whether its session is over, of which the server hears within a second. */
export async function seesItsEnd(page: Page) {
  const told = async () => {
    await page.evaluate(`dispatchEvent(new Event('focus'))`)
    return page.getByText('Your session has ended').isVisible()
  }
  await expect.poll(told, { timeout: 20_000 }).toBe(true)
}

export const heading = (page: Page, name: string | RegExp) =>
  page.getByRole('heading', { level: 1, name }).waitFor()

export const button = (page: Page, name: string | RegExp) =>
  page.getByRole('button', { name, ...(typeof name === 'string' && { exact: true }) })

export async function enterPassword(page: Page, email: string, secret = password) {
  await page.getByLabel('E-mail address').fill(email)
  await page.getByLabel('Password', { exact: true }).fill(secret)
  await button(page, 'Sign in').click()
}

export const enterCode = (where: Page | Locator, code: string) =>
  where.getByLabel('Six-digit code').fill(code)

export async function choose(page: Page, method: string) {
  const more = button(page, 'Use another way')
  const way = button(page, new RegExp(`^${method}`))
  // A few ways are there at once; more are asked for.
  await more.or(way).first().waitFor()
  if (await more.isVisible()) await more.click()
  await way.click()
}

/** The wizard's authenticator; the secret is read off the page. */
export async function connect(page: Page, codeOf?: (secret: string) => string) {
  await button(page, /^Authenticator app/).click()
  const secret = (await page.locator('.sp-secret').textContent())!.replaceAll(' ', '')
  const phone = phoneOf(secret)
  await enterCode(page, codeOf?.(secret) ?? (await phone.code()))
  return { secret, phone, backup: await saveCodes(page) }
}

export async function saveCodes(page: Page): Promise<string[]> {
  await page.getByRole('heading', { name: 'Save your backup codes' }).waitFor()
  const codes = await page.locator('.sp-codes li').allTextContents()
  await page.getByLabel('I have saved these codes').check()
  await button(page, 'Finish').click()
  return codes
}

export async function signOut(page: Page) {
  await button(page, 'Your account').click()
  await page.getByRole('menuitem', { name: 'Sign out' }).click()
  await heading(page, 'Sign in')
}

export interface Key {
  protocol: 'u2f' | 'ctap2'
  transport: 'usb' | 'internal'
  hasResidentKey?: boolean
  hasUserVerification?: boolean
}

/** What people plug in: one of today's keys without a PIN, and what phones and laptops have. */
export const securityKey: Key = { protocol: 'ctap2', transport: 'usb' }
export const passkey: Key = {
  protocol: 'ctap2',
  transport: 'internal',
  hasResidentKey: true,
  hasUserVerification: true,
}

/** A virtual key, and the hand that touches it or is not there. */
export async function plugIn(page: Page, key: Key) {
  const devtools = await page.context().newCDPSession(page)
  await devtools.send('WebAuthn.enable')
  const options = { isUserVerified: true, automaticPresenceSimulation: true, ...key }
  const { authenticatorId } = await devtools.send('WebAuthn.addVirtualAuthenticator', { options })
  return (enabled: boolean) =>
    devtools.send('WebAuthn.setAutomaticPresenceSimulation', { authenticatorId, enabled })
}

/** From now on passkeys come by the button alone: one that the browser offers could come before it is pressed. */
export const offerNothing = (page: Page) =>
  page.evaluate('PublicKeyCredential.isConditionalMediationAvailable = async () => false')
