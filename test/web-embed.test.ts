import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { createServer, type IncomingHttpHeaders, request } from 'node:http'
import type { AddressInfo } from 'node:net'
import { buffer } from 'node:stream/consumers'
import { gunzipSync } from 'node:zlib'
import type { Locator, Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import { de } from '../web/src/texts/de.ts'
import { en } from '../web/src/texts/en.ts'
import { type Look, picture, run, screenshots, seriousFindings } from './support/browser.ts'
import {
  enterCode,
  openPages,
  type Pages,
  passkey,
  phoneOf,
  plugIn,
  root,
  password as staffPassword,
} from './support/open-pages.ts'
import { type Running, startProgram } from './support/real-server.ts'

const password = 'correct horse battery staple'
const program = new URL('../examples/embed/src/main.ts', import.meta.url).pathname
const policies = {
  policies: [
    { name: 'root', when: { subjects: root }, action: 'allow' },
    {
      name: 'two doors',
      action: 'chain',
      trusted_devices: true,
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

describe('the dialogs in a page of another origin', () => {
  let pages: Pages
  let server: string
  let shop: Running
  let key: string

  beforeAll(async () => {
    pages = await openPages({ policies })
    await pages.makeRoot()
    // The shop has the name: by the bare address the two are different sites as well.
    server = pages.url.replace('localhost', '127.0.0.1')
    const scopes = ['mfa:read', 'mfa:write']
    key = (await pages.asRoot('/api/admin/apikeys', { name: 'shop', app: 'shop', scopes })).key
    shop = await startProgram(program, { env: { SALLYPORT_URL: server, SALLYPORT_KEY: key, PORT: '0' } })
    const body = { rp_id: 'localhost', origins: [shop.url] }
    const set = await pages.call('PATCH', '/api/admin/applications/shop', { token: pages.rootToken(), body })
    expect(set.status).toBe(200)
  })
  afterAll(async () => {
    await shop?.stop()
    await pages?.close()
  })

  /** The shop's page, and what it, its scripts and its frames were sent, and sent themselves. */
  async function open(look: Look & { broken?: RegExp; prepare?(page: Page): unknown } = {}) {
    for (const user of ['ada', 'grace']) await forget(user)
    const traffic: string[] = []
    const page = await pages.open(shop.url, {
      ...look,
      elsewhere: server,
      prepare(page) {
        page.on('response', async (response) => {
          const headers = JSON.stringify([response.headers(), response.request().headers()])
          traffic.push(headers, response.request().postData() ?? '', await response.text().catch(() => ''))
        })
        return look.prepare?.(page)
      },
    })
    return { page, traffic }
  }

  async function service(method: string, path: string, body?: object) {
    const headers = { authorization: `Bearer ${key}`, 'content-type': 'application/json' }
    const answer = await fetch(`${server}/api/mfa/${path}`, {
      ...{ method, headers },
      ...(body && { body: JSON.stringify(body) }),
    })
    return (await answer.json()) as { secret: string }
  }

  /** Each test begins with people who have no second factor. */
  const forget = (user: string) => service('DELETE', `subjects/${user}`)

  /** Where it is not the dialog for it that is tried. */
  async function enrol(user: string) {
    const { secret } = await service('POST', 'enroll', { extension: user, email: `${user}@example.org` })
    const phone = phoneOf(secret)
    await service('POST', 'verify-enrollment', { extension: user, code: await phone.code() })
    return phone
  }

  async function signIn(page: Page, user: string, { staff = false, phrase = password } = {}) {
    await page.getByLabel('User').fill(user)
    await page.getByLabel('Password').fill(phrase)
    await page.getByLabel('I work here').setChecked(staff)
    await page.getByRole('button', { name: 'Sign in' }).click()
  }

  const atHome = (page: Page, user: string) => page.getByRole('heading', { name: `Hello, ${user}` }).waitFor()
  const signOut = (page: Page) => page.getByRole('button', { name: 'Sign out' }).click()

  async function choose(page: Page, method: string) {
    await page.getByText('Use another way').click()
    await page.getByRole('button', { name: new RegExp(`^${method}`) }).click()
  }

  /** Through the setup dialog, the secret read off the picture as a phone would. */
  async function setUpTotp(page: Page) {
    await page.getByRole('button', { name: 'Protect my account' }).click()
    const dialog = page.getByRole('dialog')
    await dialog.getByRole('button', { name: /^Authenticator app/ }).click()
    const file = `${screenshots}embed-scanned.png`
    await dialog.getByRole('img', { name: 'QR code' }).screenshot({ path: file })
    const secret = new URL(run('zbarimg', '--raw', '--quiet', file)).searchParams.get('secret')!
    const phone = phoneOf(secret)
    await enterCode(dialog, await phone.code())
    await dialog.getByRole('heading', { name: 'Save your backup codes' }).waitFor()
    const backup = await dialog.locator('li').allTextContents()
    expect(backup).toHaveLength(10)
    return { dialog, phone, backup }
  }

  async function finish(dialog: Locator) {
    expect(await dialog.getByRole('button', { name: 'Finish' }).isDisabled()).toBe(true)
    await dialog.getByLabel('I have saved these codes').check()
    await dialog.getByRole('button', { name: 'Finish' }).click()
    await dialog.waitFor({ state: 'hidden' })
  }

  it('sets up an authenticator, signs in with it, and never lets the page see the key', async () => {
    const { page, traffic } = await open()
    await signIn(page, 'ada')
    await atHome(page, 'ada')
    const { dialog, phone, backup } = await setUpTotp(page)
    // Codes that are shown this once outlive a key pressed in passing.
    expect(await dialog.getByRole('button', { name: 'Close' }).isDisabled()).toBe(true)
    for (let press = 0; press < 3; press++) await page.keyboard.press('Escape')
    await dialog.getByRole('button', { name: 'Copy' }).click()
    await dialog.getByRole('button', { name: 'Copied' }).waitFor()
    expect(await page.evaluate('navigator.clipboard.readText()')).toBe(backup.join('\n'))
    await finish(dialog)
    await signOut(page)

    await signIn(page, 'ada')
    await page.getByRole('heading', { name: 'Confirm that it is you' }).waitFor()
    await enterCode(page, phone.wrong())
    await page.getByText('This code is not right').waitFor()
    await page.getByText('4 attempts left').waitFor()
    const typed = page.getByLabel('Six-digit code')
    expect(await typed.inputValue()).toBe('')
    expect(await typed.getAttribute('aria-invalid')).toBe('true')
    await picture(page, 'embed-wrong')
    // As pasted from elsewhere, with what stood around it.
    await page.getByLabel('Six-digit code').focus()
    await page.evaluate(`navigator.clipboard.writeText(' ${(await phone.code()).replace(/.{3}/, '$& ')} ')`)
    await page.keyboard.press('Control+V')
    await atHome(page, 'ada')
    await signOut(page)

    await signIn(page, 'ada')
    await choose(page, 'Backup code')
    await page.getByLabel('Backup code').fill(backup[4]!.toLowerCase())
    await page.getByRole('button', { name: 'Confirm' }).click()
    await atHome(page, 'ada')
    await page.getByRole('button', { name: 'Show my invoices' }).click()
    await page.getByText('No. 1041').waitFor()
    expect(traffic.join('\n')).toContain('sallyport-verify')
    expect(traffic.join('\n')).not.toContain('spk_')
    expect(traffic.join('\n')).not.toContain(key.slice(4))
  })

  it('sends a code by mail, and another only after a pause', async () => {
    const { page } = await open()
    await enrol('grace')
    const seen = pages.mail.mails.length
    await signIn(page, 'grace')
    await choose(page, 'Code by e-mail')
    await page.getByText('A code is on its way').waitFor()
    expect(await page.getByRole('button', { name: /^Another code in \d+ s/ }).isDisabled()).toBe(true)
    await enterCode(page, await pages.codeTo('grace@example.org', seen))
    await atHome(page, 'grace')
  })

  it('walks a chain of two doors at the login gate, whose wrong code shuts both again', async () => {
    const { email, phone, backup } = await pages.addPhone('theo')
    const staff = { staff: true, phrase: staffPassword }
    const { page, traffic } = await open()
    await signIn(page, email, staff)
    await page.getByText('Step 1 of 2').waitFor()
    await enterCode(page, await phone.code())
    await page.getByText('Step 2 of 2').waitFor()
    await page.getByText('Right. One more step.').waitFor()
    await choose(page, 'Backup code')
    await page.getByLabel('Backup code').fill('XXXX-XXXX')
    await page.keyboard.press('Enter')
    await page.getByText('both doors are shut again').waitFor()
    await page.getByText('Step 1 of 2').waitFor()
    await picture(page, 'embed-chain-reset')
    await enterCode(page, await phone.code())
    await page.getByText('Step 2 of 2').waitFor()
    await choose(page, 'Backup code')
    await page.getByLabel('Backup code').fill(backup[0]!)
    await page.getByLabel('Remember this browser').check()
    await page.getByRole('button', { name: 'Confirm' }).click()
    await atHome(page, email)
    await signOut(page)
    await signIn(page, email, staff)
    await atHome(page, email)
    // Neither the attempt's token nor the one that it ends with leaves the shop's server.
    expect(traffic.join('\n')).not.toContain('temp_token')
    expect(traffic.join('\n')).not.toContain('eyJ')
  })

  it('registers a security key of the own domain, asks for it, and for proof before a second factor', async () => {
    const { page } = await open()
    await plugIn(page, passkey)
    await signIn(page, 'grace')
    await page.getByRole('button', { name: 'Protect my account' }).click()
    const dialog = page.getByRole('dialog')
    await dialog.getByRole('button', { name: /^Passkey or security key/ }).click()
    await dialog.getByLabel('Name').fill('Laptop')
    await page.keyboard.press('Enter')
    await dialog.waitFor({ state: 'hidden' })
    await signOut(page)
    await signIn(page, 'grace')
    await page.getByRole('button', { name: 'Use passkey or security key' }).click()
    await atHome(page, 'grace')
    await finish((await setUpTotp(page)).dialog)
    await signOut(page)
    await signIn(page, 'grace')
    // What was used last comes first.
    await page.getByRole('button', { name: 'Use passkey or security key' }).waitFor()
  })

  it('is used with the keyboard alone, and gives the focus back', async () => {
    const { page } = await open()
    await signIn(page, 'ada')
    await atHome(page, 'ada')
    const focused = () => page.evaluate('document.activeElement.id')
    await page.evaluate('addEventListener("sallyport-cancel", () => (window.cancelled = true))')
    const protect = page.getByRole('button', { name: 'Protect my account' })
    await protect.focus()
    await page.keyboard.press('Enter')
    await page.getByRole('heading', { name: 'Protect your account' }).waitFor()
    await page.keyboard.press('Escape')
    await page.getByRole('dialog').waitFor({ state: 'hidden' })
    expect(await page.evaluate('cancelled')).toBe(true)
    expect(await focused()).toBe('protect')

    await page.keyboard.press('Enter')
    await page.keyboard.press('Tab')
    await page.keyboard.press('Enter')
    const dialog = page.getByRole('dialog')
    const written = dialog.locator('code')
    const secret = (await written.textContent())!.replaceAll(' ', '')
    await page.getByLabel('Six-digit code').focus()
    const phone = phoneOf(secret)
    await page.keyboard.type(await phone.code())
    await dialog.getByRole('heading', { name: 'Save your backup codes' }).waitFor()
    // Copy, download, print, and that they are kept; only then is there a button to go on with.
    for (let press = 0; press < 4; press++) await page.keyboard.press('Tab')
    await page.keyboard.press('Space')
    await page.keyboard.press('Tab')
    await page.keyboard.press('Enter')
    await dialog.waitFor({ state: 'hidden' })
    expect(await focused()).toBe('protect')
    await page.keyboard.press('Tab')
    await page.keyboard.press('Enter')
    await page.getByRole('heading', { name: 'Confirm that it is you' }).waitFor()
    await page.keyboard.type(await phone.code())
    await page.getByText('No. 1041').waitFor()
    expect(await focused()).toBe('invoices')
  })

  it('keeps the backup codes on paper and on disk', async () => {
    const print = 'window.print = () => { (top.printed ??= []).push(document.body.textContent) }'
    const { page } = await open({ prepare: (page) => page.addInitScript(print) })
    await signIn(page, 'ada')
    const { dialog, backup } = await setUpTotp(page)
    const [download] = await Promise.all([
      page.waitForEvent('download'),
      dialog.getByRole('button', { name: 'Download' }).click(),
    ])
    expect(download.suggestedFilename()).toBe('localhost-backup-codes.txt')
    const saved = readFileSync(await download.path(), 'utf8')
    await dialog.getByRole('button', { name: 'Print' }).click()
    expect(await page.evaluate('printed')).toEqual([saved])
    expect(saved).toContain(`Save your backup codes`)
    for (const code of backup) expect(saved).toContain(`${code}\n`)
    // What is done stays done, however the dialog is left.
    await dialog.getByLabel('I have saved these codes').check()
    await dialog.getByRole('button', { name: 'Close' }).click()
    await dialog.waitFor({ state: 'hidden' })
    await signOut(page)
    await signIn(page, 'ada')
    await page.getByLabel('Six-digit code').waitFor()
  })

  it('says plainly what stands in the way, and asks for proof where it is needed', async () => {
    const { page } = await open({ broken: /^failed: .*\/api\/mfa\/verify$|ERR_FAILED/ })
    await signIn(page, 'ada')
    await atHome(page, 'ada')
    const phone = await enrol('ada')
    const dialog = page.getByRole('dialog')
    const json = { contentType: 'application/json', status: 403 }
    const stale = { ...json, body: JSON.stringify({ code: 'step_up_required' }) }
    await page.route('**/api/mfa/enroll', (route) => route.fulfill(stale), { times: 1 })
    await page.getByRole('button', { name: 'Protect my account' }).click()
    await dialog.getByRole('button', { name: /^Authenticator app/ }).click()
    await dialog.getByRole('heading', { name: 'Confirm once more' }).waitFor()
    await enterCode(dialog, await phone.code())
    await dialog.getByRole('heading', { name: 'Connect your authenticator app' }).waitFor()
    await dialog.getByRole('button', { name: 'Close' }).click()

    await signOut(page)
    await signIn(page, 'ada')
    const verify = '**/api/mfa/verify'
    const told = async (text: string) => {
      await enterCode(page, phone.wrong())
      await page.getByRole('alert').getByText(text).waitFor()
    }
    const html = { contentType: 'text/html', body: '<title>Sign in</title>' }
    await page.route(verify, (route) => route.fulfill(html), { times: 1 })
    await told('Something went wrong')
    const wait = { ...json, status: 429, headers: { 'retry-after': '40' }, body: '{"code":"locked"}' }
    await page.route(verify, (route) => route.fulfill(wait), { times: 1 })
    await told('Too many wrong codes')
    await page.getByText(/You can try again at \d+:\d\d:\d\d/).waitFor()
    await page.route(verify, (route) => route.abort(), { times: 1 })
    await told('The server cannot be reached')
    // The session ends elsewhere: the way on is the page's to find.
    await page.context().clearCookies()
    await told('This took too long')
    await page.getByRole('button', { name: 'Begin again' }).click()
    await page.getByLabel('Password').waitFor()
  })

  it('waits for as many digits as the app has that is asked for', async () => {
    const { page } = await open()
    await enrol('ada')
    const standing = { json: { methods: ['totp'], digits: [6, 8] } }
    await page.route('**/api/mfa/status', (route) => route.fulfill(standing))
    await signIn(page, 'ada')
    await page.getByLabel('Code of the app').fill('123456')
    expect(await page.getByRole('alert').textContent()).toBe('')
    const tried = page.waitForRequest('**/api/mfa/verify')
    let go = () => {}
    const looked = new Promise<void>((resolve) => {
      go = resolve
    })
    await page.route('**/api/mfa/verify', (route) => looked.then(() => route.continue()))
    await page.getByLabel('Code of the app').pressSequentially('78')
    expect((await tried).postDataJSON().code).toBe('12345678')
    expect(await seriousFindings(page)).toEqual([])
    go()
    await page.getByText('4 attempts left').waitFor()
    await picture(page, 'embed-eight-digits')
  })

  it('signs nobody in by an event, and shows nothing to pages elsewhere', async () => {
    const { page } = await open()
    const phone = await enrol('ada')
    await signIn(page, 'ada')
    await page.getByLabel('Six-digit code').waitFor()
    const call = (path: string, body: object) =>
      page.evaluate(
        `fetch('/api/${path}', { method: 'POST', headers: { 'content-type': 'application/json' },
          body: ${JSON.stringify(JSON.stringify(body))} }).then(async (one) => [one.status, await one.json()])`,
      )
    // Between password and code there is nothing but the code to give.
    for (const path of ['enroll', 'enroll-fido2', 'disable', 'constructor', 'status/grace', '..%2Fmfa'])
      expect([path, await call(`mfa/${path}`, {})]).toEqual([path, [403, expect.anything()]])
    expect(await call('mfa/verify', { code: phone.wrong(), subject: 'grace', client_ip: 'x' })).toEqual([
      401,
      expect.objectContaining({ code: 'invalid_code' }),
    ])
    const event = 'new CustomEvent("sallyport-complete", { detail: { success: true }, bubbles: true })'
    await page.evaluate(`document.querySelector('#second sallyport-verify').dispatchEvent(${event})`)
    await page.getByRole('heading', { name: 'Sign in' }).waitFor()
    expect(await page.evaluate(`fetch('/api/me').then((one) => one.status)`)).toBe(401)

    // A page of nobody's, in the same browser: it may have the script, and with it nothing.
    const text = `<!doctype html><script type="module" src="${server}/embed/sallyport-embed.js"></script>
      <sallyport-verify endpoint="${shop.url}/api/mfa"></sallyport-verify>`
    const stranger = createServer((_, response) => response.setHeader('content-type', 'text/html').end(text))
    await once(stranger.listen(0, '127.0.0.1'), 'listening')
    onTestFinished(() => void stranger.close())
    const there = await page.context().newPage()
    await there.goto(`http://127.0.0.1:${(stranger.address() as AddressInfo).port}`)
    await there.getByText('The server cannot be reached').waitFor()
    const tried = [`${shop.url}/api/me`, `${server}/auth/me`, `${server}/api/mfa/status/ada`]
    for (const url of tried) {
      const read = `fetch('${url}', { credentials: 'include' }).then(() => 'read', () => 'kept')`
      expect([url, await there.evaluate(read)]).toEqual([url, 'kept'])
    }
    const headers = { origin: 'http://evil.example', 'content-type': 'application/json' }
    const sent = await fetch(`${shop.url}/api/mfa/verify`, { method: 'POST', headers, body: '{}' })
    expect([sent.status, sent.headers.get('access-control-allow-origin')]).toEqual([403, null])
  })

  it.each([
    { colorScheme: 'light', size: 'wide' },
    { colorScheme: 'dark', size: 'phone', german: true },
  ] as const)('is fit to be seen: $colorScheme, $size', async ({ colorScheme, size, ...more }) => {
    const german = 'german' in more
    const { page } = await open({ colorScheme, size })
    const texts = german ? de : en
    if (german) await page.evaluate('document.documentElement.lang = "de"')
    const seen = async (name: string) => {
      expect([name, await seriousFindings(page)]).toEqual([name, []])
      await picture(page, `embed-${name}-${colorScheme}-${size}`)
      const overflow = 'document.documentElement.scrollWidth - document.documentElement.clientWidth'
      expect([name, await page.evaluate(overflow)]).toEqual([name, 0])
    }
    await signIn(page, 'ada')
    await page.getByRole('button', { name: 'Protect my account' }).click()
    const dialog = page.getByRole('dialog', { name: texts.setup.title })
    await dialog.waitFor()
    await seen('setup-method')
    await page.getByRole('button', { name: new RegExp(`^${texts.methods.totp.name}`) }).click()
    const secret = (await page.getByRole('dialog').locator('code').textContent())!.replaceAll(' ', '')
    await seen('setup-totp')
    const phone = phoneOf(secret)
    await page.getByLabel(texts.verify.code).fill(await phone.code())
    await page.getByLabel(texts.setup.codes.saved).check()
    await seen('setup-codes')
    await page.getByRole('button', { name: texts.setup.codes.finish }).click()
    await page.getByRole('dialog').waitFor({ state: 'hidden' })
    await signOut(page)
    await signIn(page, 'ada')
    await page.getByLabel(texts.verify.code).fill(phone.wrong())
    await page.getByText(texts.problems.invalid_code).waitFor()
    await page.getByText(texts.verify.others).click()
    await seen('verify')
  })

  it('comes as one small file that any site may load, and that is new after an upgrade', async () => {
    const url = `${server}/embed/sallyport-embed.js`
    const from = { 'sec-fetch-site': 'cross-site', 'sec-fetch-mode': 'cors', 'accept-encoding': 'gzip' }
    const { body, headers } = await new Promise<{ body: Buffer; headers: IncomingHttpHeaders }>((done) => {
      request(url, { headers: from }, async (answer) =>
        done({ body: await buffer(answer), headers: answer.headers }),
      ).end()
    })
    expect(headers).toMatchObject({
      ...{ 'content-encoding': 'gzip', 'access-control-allow-origin': '*', 'cache-control': 'no-cache' },
      ...{ 'cross-origin-resource-policy': 'cross-origin', 'x-content-type-options': 'nosniff' },
      ...{ 'content-type': 'text/javascript; charset=utf-8', vary: 'accept-encoding' },
    })
    expect(body.length).toBeLessThanOrEqual(12_288)
    const source = gunzipSync(body).toString()
    expect(source).not.toMatch(/\bimport\b|innerHTML|\beval\b/)
    const again = await fetch(url, { headers: { 'if-none-match': String(headers.etag) } })
    expect([again.status, await again.text()]).toEqual([304, ''])
    const other = await fetch(`${server}/embed/other.js`, { headers: { 'sec-fetch-site': 'cross-site' } })
    expect([other.status, other.headers.get('access-control-allow-origin')]).toEqual([403, null])
  })
})
