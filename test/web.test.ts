import { readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { parseProvisioningUri } from '@sallyport/core'
import type { Browser, Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import {
  buildPages,
  freePort,
  launchBrowser,
  oathtool,
  openPage,
  run,
  screenshots,
} from './support/browser.ts'
import { makeDirectory, type Serving, sallyport, serve } from './support/cli.ts'
import { type MailServer, startMailServer } from './support/mail-server.ts'

const password = 'Quartz-lantern-ferry-09'
const admin = 'ada@example.org'

/** Two doors for one role; and whoever has too little for them enrols first. */
const policies = {
  policies: [
    {
      name: 'two doors',
      action: 'chain',
      too_few: 'enrol',
      chain: {
        mode: 'fixed',
        required_steps: 2,
        factors: [
          { id: 'app', label: 'Authenticator', type: 'totp' },
          { id: 'other', label: 'Second proof', any_of: ['backup', 'email'] },
        ],
      },
    },
  ],
}

describe('the pages in Chromium', () => {
  let browser: Browser
  let mail: MailServer
  const directory = makeDirectory()
  const plain = { data: join(directory.path, 'plain'), server: null as Serving | null }
  const doors = { data: join(directory.path, 'doors'), server: null as Serving | null }

  beforeAll(async () => {
    buildPages()
    mail = await startMailServer()
    const config = {
      mail: { from: 'a@example.org', smtp: { host: '127.0.0.1', port: mail.port, secure: 'none' } },
    }
    const file = (name: string, document: object) => {
      writeFileSync(join(directory.path, name), JSON.stringify(document))
      return join(directory.path, name)
    }
    const chains = { ...config, totp: { window: 2 }, login_policies: file('policies.yaml', policies) }
    const words = (data: string, name: string, document: object) => [
      ...['--port', '0', '--data', data, '--config', file(name, document)],
    ]
    browser = await launchBrowser()
    plain.server = await serve(words(plain.data, 'plain.yaml', config))
    doors.server = await serve(words(doors.data, 'doors.yaml', chains))
  }, 120_000)
  afterAll(async () => {
    await browser?.close()
    await plain.server?.stop()
    await doors.server?.stop()
    await mail?.close()
    directory.remove()
  })

  async function addUser(where: typeof plain, email: string, role = 'user') {
    const words = [
      'user',
      'create',
      '--data',
      where.data,
      '--email',
      email,
      '--role',
      role,
      '--password-stdin',
    ]
    const { code, err } = await sallyport(words, { input: password })
    expect([code, err]).toEqual([0, ''])
  }

  /** A page whose faults fail the test, whatever else it looks at. */
  async function open(where: typeof plain, path: string): Promise<Page> {
    const { url } = where.server!
    const { page, context, faults } = await openPage(browser, url)
    onTestFinished(async ({ task }) => {
      if (task.result?.state === 'fail') await picture(page, `failed-${task.name.slice(0, 20)}`)
      await context.close()
      expect(faults).toEqual([])
    })
    await page.goto(url + path)
    return page
  }

  const heading = (page: Page, name: string | RegExp) =>
    page.getByRole('heading', { level: 1, name }).waitFor()

  async function enterPassword(page: Page, email: string) {
    await page.getByLabel('E-mail address').fill(email)
    await page.getByLabel('Password', { exact: true }).fill(password)
    await page.getByRole('button', { name: 'Sign in', exact: true }).click()
  }

  const enterCode = (page: Page, code: string) => page.getByLabel('Six-digit code').fill(code)

  async function choose(page: Page, method: string) {
    await page.getByRole('button', { name: 'Use another way' }).click()
    await page.getByRole('button', { name: new RegExp(`^${method}`) }).click()
  }

  async function picture(page: Page, name: string) {
    // A dialog stands over what is seen of the page, not over all of it.
    const fullPage = (await page.getByRole('dialog').count()) === 0
    await page.screenshot({ path: `${screenshots}${name}.png`, fullPage })
  }

  /** The wizard, from the choice of the method to the backup codes; the secret is read off the screen. */
  async function setUpTotp(page: Page, step = 0): Promise<{ secret: string; backup: string[] }> {
    await page.getByRole('button', { name: /^Authenticator app/ }).click()
    const file = `${screenshots}scanned.png`
    await page.getByAltText('QR code for your authenticator app').screenshot({ path: file })
    const uri = run('zbarimg', '--raw', '--quiet', file)
    expect(parseProvisioningUri(uri).issuer).toBe('Sallyport')
    const secret = new URL(uri).searchParams.get('secret')!
    await page.getByRole('button', { name: 'Copy' }).click()
    await page.getByRole('button', { name: 'Copied' }).waitFor()
    expect(await page.evaluate('navigator.clipboard.readText()')).toBe(secret)
    await enterCode(page, oathtool(secret, step))
    await page.getByRole('heading', { name: 'Save your backup codes' }).waitFor()
    const [download] = await Promise.all([
      page.waitForEvent('download'),
      page.getByRole('button', { name: 'Download' }).click(),
    ])
    const saved = readFileSync(await download.path(), 'utf8')
    const shown = await page.locator('.sp-codes li').allTextContents()
    expect(shown).toHaveLength(10)
    for (const code of shown) expect(saved).toContain(`${code}\n`)
    expect(await page.getByRole('button', { name: 'Finish' }).isDisabled()).toBe(true)
    await page.getByLabel('I have saved these codes').check()
    await page.getByRole('button', { name: 'Finish' }).click()
    return { secret, backup: shown }
  }

  async function signOut(page: Page) {
    await page.getByRole('button', { name: 'Your account' }).click()
    await page.getByRole('menuitem', { name: 'Sign out' }).click()
    await heading(page, 'Sign in')
  }

  /** What the newest letter to somebody holds: a notice may come between. */
  async function inLetterTo(email: string, after: number, wanted: RegExp): Promise<string> {
    const letters = () => mail.mails.slice(after).filter(({ to }) => [to].flat()[0]?.text === email)
    const found = () => letters().flatMap(({ text }) => wanted.exec(text ?? '') ?? [])
    await expect.poll(() => found().length, { timeout: 10_000 }).toBeGreaterThan(0)
    return found().at(-1)!
  }

  it('leads from the printed link to a protected account, and in again each way', async () => {
    const link = /http:\S+\/setup#token=\S+/.exec(plain.server!.out)![0]
    const page = await open(plain, new URL(link).pathname + new URL(link).hash)
    await heading(page, 'Welcome to Sallyport')
    expect(page.url()).not.toContain('token')
    await page.getByLabel('E-mail address').fill(admin)
    await page.getByLabel('New password').fill('password1234')
    await page.getByRole('button', { name: 'Create the administrator' }).click()
    await page.getByRole('alert').getByText('This password will not do').waitFor()
    await page.getByLabel('New password').fill(password)
    await page.getByRole('button', { name: 'Create the administrator' }).click()
    await page.getByLabel('New password').waitFor({ state: 'hidden' })
    await page.getByRole('link', { name: 'Go to sign in' }).click()

    await enterPassword(page, admin)
    await heading(page, 'Security')
    await page.getByText('Multi-factor authentication is off').waitFor()
    await page.getByRole('button', { name: 'Turn on' }).click()
    const { secret, backup } = await setUpTotp(page)
    await page.getByText('Multi-factor authentication is on').waitFor()
    await page.getByText('10 codes left').waitFor()
    await signOut(page)

    await enterPassword(page, admin)
    await heading(page, 'Confirm that it is you')
    await enterCode(page, '000000')
    await page.getByRole('alert').getByText('4 attempts left').waitFor()
    await choose(page, 'Backup code')
    await page.getByLabel('Backup code').fill(backup[0]!.toLowerCase())
    await page.getByRole('button', { name: 'Confirm' }).click()
    await page.getByText('9 codes left').waitFor()

    // A name of one's own, and a new set of codes, which the old ones do not survive.
    await page.getByRole('button', { name: 'Rename Authenticator app' }).click()
    await page.getByRole('textbox', { name: 'Name' }).fill('Pixel')
    await page.getByRole('button', { name: 'Save' }).click()
    await page.getByText('Pixel').waitFor()
    await page.getByRole('button', { name: 'Make new codes' }).click()
    await enterCode(page, oathtool(secret, 1))
    await page.getByLabel('I have saved these codes').check()
    await page.getByRole('button', { name: 'Finish' }).click()
    await page.getByText('10 codes left').waitFor()
    await signOut(page)
  })

  it('sends codes by e-mail, offers first what was used last, and resets a password', async () => {
    const email = 'mia@example.org'
    await addUser(plain, email)
    const page = await open(plain, '/settings/security')
    await page.waitForURL('**/sign-in?next=%2Fsettings%2Fsecurity')
    await enterPassword(page, email)
    await heading(page, 'Security')
    await page.getByRole('button', { name: 'Turn on' }).click()
    let seen = mail.mails.length
    const codeAfter = (count: number) => inLetterTo(email, count, /(?<=^ {4})\d{6}$/m)
    await page.getByRole('button', { name: /^Code by e-mail/ }).click()
    const wizard = page.getByRole('dialog')
    await wizard.getByText(`We sent a code to ${email}`).waitFor()
    await enterCode(page, await codeAfter(seen))
    await page.getByText('Multi-factor authentication is on').waitFor()
    await signOut(page)

    seen = mail.mails.length
    await enterPassword(page, email)
    await page.getByText('A code is on its way').waitFor()
    expect(await page.getByRole('button', { name: /^Another code in \d+ s/ }).isDisabled()).toBe(true)
    // As pasted from the letter, with what stood around it.
    await enterCode(page, ` ${await codeAfter(seen)} `)
    await heading(page, 'Security')
    await signOut(page)

    await page.getByRole('link', { name: 'Forgot your password?' }).click()
    seen = mail.mails.length
    await page.getByLabel('E-mail address').fill(email)
    await page.getByRole('button', { name: 'Send the link' }).click()
    const link = await inLetterTo(email, seen, /http:\S+\/reset#token=\S+/)
    const { pathname, hash } = new URL(link)
    await page.goto(plain.server!.url + pathname + hash)
    await page.getByLabel('New password').fill(password)
    await page.getByRole('button', { name: 'Set the password' }).click()
    await page.getByLabel('New password').waitFor({ state: 'hidden' })
    await page.getByRole('link', { name: 'Go to sign in' }).click()
    // Who reads these letters has set the password: they are no second proof any more.
    await enterPassword(page, email)
    await heading(page, 'Protect your account')

    await page.goto(plain.server!.url + pathname + hash)
    await page.getByLabel('New password').fill(password)
    await page.getByRole('button', { name: 'Set the password' }).click()
    await heading(page, 'This link cannot be used')
  })

  it('walks a chain of two doors, whose first wrong code shuts both again', async () => {
    const email = 'theo@example.org'
    await addUser(doors, email)
    const page = await open(doors, '/')
    await enterPassword(page, email)
    await heading(page, 'Protect your account')
    const { secret, backup } = await setUpTotp(page, -1)
    const second = page.getByText('Step 2 of 2')
    await enterCode(page, oathtool(secret))
    await second.waitFor()
    await page.getByText('Right. One more step.').waitFor()
    await picture(page, 'chain-second-door')
    await choose(page, 'Backup code')
    await page.getByLabel('Backup code').fill('XXXX-XXXX')
    await page.getByRole('button', { name: 'Confirm' }).click()
    await page.getByText('both doors are shut again').waitFor()
    await page.getByText('Step 1 of 2').waitFor()
    await picture(page, 'chain-reset')
    await enterCode(page, oathtool(secret, 1))
    await second.waitFor()
    await choose(page, 'Backup code')
    await page.getByLabel('Backup code').fill(backup[3]!)
    await page.getByRole('button', { name: 'Confirm' }).click()
    await heading(page, 'Security')
  })

  it('asks for fresh proof where none is fresh, and then does what was meant', async () => {
    const [email, helpdesk] = ['lee@example.org', 'help@example.org']
    await addUser(plain, email)
    await addUser(plain, helpdesk, 'admin')
    const page = await open(plain, '/')
    await enterPassword(page, email)
    await page.getByRole('button', { name: 'Turn on' }).click()
    const { secret } = await setUpTotp(page)
    await signOut(page)

    // A helpdesk's pass signs in and proves nothing.
    const { url } = plain.server!
    const post = async (path: string, data: object, token = '') => {
      const headers = { 'content-type': 'application/json', authorization: `Bearer ${token}` }
      const answer = await fetch(url + path, { method: 'POST', headers, body: JSON.stringify(data) })
      return (await answer.json()) as Record<string, string>
    }
    const { access_token: token } = await post('/auth/login', { email: helpdesk, password })
    const { user_id: id } = await post('/auth/login', { email, password })
    const { pass } = await post(`/api/admin/users/${id}/pass`, { reason: 'lost phone' }, token)
    await enterPassword(page, email)
    await choose(page, 'Pass from the helpdesk')
    await page.getByLabel('Pass').fill(pass!)
    await page.getByRole('button', { name: 'Confirm' }).click()
    await heading(page, 'Security')

    const rename = async (name: string) => {
      await page.getByRole('button', { name: /^Rename/ }).click()
      await page.getByRole('textbox', { name: 'Name' }).fill(name)
      await page.getByRole('button', { name: 'Save' }).click()
    }
    await rename('Cancelled')
    const asked = page.getByRole('dialog', { name: 'Confirm once more' })
    await asked.getByRole('button', { name: 'Close' }).click()
    await asked.waitFor({ state: 'hidden' })
    await page.getByRole('button', { name: 'Save' }).click()
    await enterCode(page, oathtool(secret, 1))
    await page.getByRole('button', { name: 'Rename Cancelled' }).waitFor()

    // The session is ended elsewhere: signing in leads back to where one was.
    await page.context().clearCookies()
    await rename('Unsaved')
    await page.getByText('Your session has ended').waitFor()
    expect(new URL(page.url()).search).toBe('?next=%2Fsettings%2Fsecurity')
  })

  it('takes a passkey: in the wizard, as second factor, as fresh proof, and in the place of the password', async () => {
    const [email, port] = ['pat@example.org', await freePort()]
    const passkeys = { ...policies.policies[0]!, name: 'everybody', passkey: true }
    passkeys.chain = {
      ...passkeys.chain,
      required_steps: 1,
      factors: [{ id: 'any', label: 'Any', any_of: ['webauthn'] }],
    }
    const policyFile = join(directory.path, 'passkeys-policies.yaml')
    writeFileSync(policyFile, JSON.stringify({ policies: [passkeys] }))
    const url = `http://localhost:${port}`
    const config = { public_url: url, login_policies: policyFile }
    writeFileSync(join(directory.path, 'passkeys.yaml'), JSON.stringify(config))
    const data = join(directory.path, 'passkeys')
    const file = join(directory.path, 'passkeys.yaml')
    const server = await serve(['--port', String(port), '--data', data, '--config', file])
    onTestFinished(async () => void (await server.stop()))
    const where = { data, server: { ...server, url } }
    await addUser(where, email)

    const page = await open(where, '/')
    const devtools = await page.context().newCDPSession(page)
    await devtools.send('WebAuthn.enable')
    const { authenticatorId } = await devtools.send('WebAuthn.addVirtualAuthenticator', {
      options: {
        ...{ protocol: 'ctap2', transport: 'internal', hasResidentKey: true, hasUserVerification: true },
        ...{ isUserVerified: true, automaticPresenceSimulation: true },
      },
    })
    await enterPassword(page, email)
    await page.getByRole('button', { name: /^Passkey or security key/ }).click()
    await page.getByRole('textbox', { name: 'Name' }).fill('Laptop')
    await page.getByRole('button', { name: 'Go on in the browser' }).click()
    await page.getByLabel('I have saved these codes').check()
    await page.getByRole('button', { name: 'Finish' }).click()
    await page.getByText('Laptop').waitFor()

    // A hand that is not there: what the browser offers by itself waits until somebody takes it.
    const touch = (enabled: boolean) =>
      devtools.send('WebAuthn.setAutomaticPresenceSimulation', { authenticatorId, enabled })
    await touch(false)
    await signOut(page)
    await enterPassword(page, email)
    await heading(page, 'Confirm that it is you')
    await touch(true)
    await page.getByRole('button', { name: 'Use passkey or security key' }).click()
    await page.getByRole('button', { name: 'Make new codes' }).click()
    await page.getByRole('button', { name: 'Use passkey or security key' }).click()
    await page.getByLabel('I have saved these codes').check()
    await page.getByRole('button', { name: 'Finish' }).click()
    await touch(false)
    await signOut(page)
    await picture(page, 'sign-in-passkey')
    await touch(true)
    await page.getByRole('button', { name: 'Sign in with a passkey' }).click()
    await heading(page, 'Security')
  })

  it('is light to load, and nothing moves once it is seen', async () => {
    const { url } = plain.server!
    const page = await open(plain, '/sign-in')
    await heading(page, 'Sign in')
    const loaded: string[] = await page.evaluate(
      `performance.getEntriesByType('resource').map(({ name }) => name).filter((name) => name.endsWith('.js'))`,
    )
    const built = new URL('../web/dist/', import.meta.url)
    const total = loaded
      .map((name) => statSync(new URL(`.${new URL(name).pathname}.gz`, built)).size)
      .reduce((sum, size) => sum + size, 0)
    expect(total).toBeGreaterThan(10_000)
    expect(total).toBeLessThanOrEqual(130_000)
    const script = await fetch(loaded[0]!, { headers: { 'accept-encoding': 'gzip' } })
    expect(script.headers.get('content-encoding')).toBe('gzip')
    expect(script.headers.get('cache-control')).toBe('public, max-age=31536000, immutable')
    await script.arrayBuffer()
    const shift = `new Promise((done) => new PerformanceObserver((list) => done(list.getEntries().length))
      .observe({ type: 'layout-shift', buffered: true }) ?? setTimeout(() => done(0), 200))`
    expect(await page.evaluate(shift)).toBe(0)
    for (const path of ['/api/nothing', '/auth/nothing', '/assets/nothing.js', '/assets/..%2Findex.html']) {
      const answer = await fetch(url + path)
      expect([path, answer.status, answer.headers.get('content-type')]).toEqual([
        path,
        404,
        'application/problem+json',
      ])
    }
    const mistyped = await fetch(`${url}/signin`, { headers: { accept: 'text/html,*/*;q=0.8' } })
    expect([mistyped.status, mistyped.headers.get('content-type')]).toEqual([404, 'text/html; charset=UTF-8'])
    const html = await fetch(`${url}/admin/people/1`)
    expect([html.status, html.headers.get('cache-control')]).toEqual([200, 'no-store'])
    const policy = html.headers.get('content-security-policy')!
    expect(policy).toContain("script-src 'self';")
    expect(policy).not.toContain('unsafe')
    const nonce = /'nonce-([^']+)'/.exec(policy)![1]!
    expect(await html.text()).toContain(`nonce="${nonce}"`)
    expect((await fetch(url)).headers.get('content-security-policy')).not.toContain(nonce)
  })
})
