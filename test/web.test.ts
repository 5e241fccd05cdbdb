import { statSync } from 'node:fs'
import type { Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { picture } from './support/browser.ts'
import {
  button,
  choose,
  connect,
  enterCode,
  enterPassword,
  heading,
  openPages,
  type Pages,
  password,
  saveCodes,
  signOut,
} from './support/open-pages.ts'
import { makePhone } from './support/people.ts'

/** Two doors; and whoever has too little for them enrols first. */
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

/** What a finger points with. */
const finger = `{
  const asked = matchMedia
  matchMedia = (query) => (query === '(pointer: coarse)' ? { matches: true } : asked(query))
}`

describe('the pages in Chromium', () => {
  let pages: Pages

  beforeAll(async () => {
    pages = await openPages()
    await pages.makeRoot()
  })
  afterAll(() => pages?.close())

  /** On a clock of the test's own. */
  async function hearsOfItsEnd(page: Page) {
    const told = async () => {
      await page.clock.runFor(31_000)
      return page.getByText('Your session has ended').isVisible()
    }
    await expect.poll(told, { interval: 500, timeout: 20_000 }).toBe(true)
  }

  it('sends codes by e-mail, offers first what was used last, and resets a password', async () => {
    const { email } = await pages.addUser('mia')
    const page = await pages.open('/settings/security')
    await page.waitForURL('**/sign-in?next=%2Fsettings%2Fsecurity')
    await enterPassword(page, email)
    await heading(page, 'Security')
    await button(page, 'Turn on').click()
    let seen = pages.mail.mails.length
    await button(page, /^Code by e-mail/).click()
    const wizard = page.getByRole('dialog')
    await wizard.getByText(`We sent a code to ${email}`).waitFor()
    // No backup codes come with it.
    await wizard.getByText('Step 2 of 2').waitFor()
    expect(await wizard.getByRole('heading').filter({ visible: true }).allTextContents()).toEqual([
      'Codes by e-mail',
    ])
    await enterCode(page, await pages.codeTo(email, seen))
    await page.getByText('Multi-factor authentication is on').waitFor()
    await signOut(page)

    seen = pages.mail.mails.length
    const json = { code: 'too_many_attempts', retry_at: new Date(Date.now() + 3_600_000) }
    const full = { status: 429, contentType: 'application/problem+json', body: JSON.stringify(json) }
    await page.route('**/auth/mfa/email/send', (route) => route.fulfill(full), { times: 1 })
    await enterPassword(page, email)
    await page.getByText(/No more codes are sent until .* The last one still works/).waitFor()
    await button(page, 'Send the code').click()
    await page.getByText('A code is on its way').waitFor()
    expect(await button(page, /^Another code in \d+ s/).isDisabled()).toBe(true)
    // Another code would void this one.
    await choose(page, 'Pass from the helpdesk')
    await page.getByLabel('Pass').waitFor()
    await choose(page, 'Code by e-mail')
    await page.getByText('Enter the last code that we sent. It is good until').waitFor()
    expect(await button(page, /^Another code in \d+ s/).isDisabled()).toBe(true)
    // As pasted from the letter, with what stood around it.
    await enterCode(page, ` ${await pages.codeTo(email, seen)} `)
    await heading(page, 'Security')
    await signOut(page)

    await page.getByRole('link', { name: 'Forgot your password?' }).click()
    seen = pages.mail.mails.length
    await page.getByLabel('E-mail address').fill(email)
    await button(page, 'Send the link').click()
    const link = await pages.linkTo(email, seen)
    expect(link).toContain('/reset#token=')
    await page.goto(link)
    await page.getByLabel('New password').fill(password)
    await button(page, 'Set the password').click()
    await page.getByLabel('New password').waitFor({ state: 'hidden' })
    await page.getByRole('link', { name: 'Go to sign in' }).click()
    // Who reads these letters has set the password: they are no second proof any more.
    await enterPassword(page, email)
    await heading(page, 'Protect your account')

    await page.goto(link)
    await page.getByLabel('New password').fill(password)
    await button(page, 'Set the password').click()
    await heading(page, 'This link cannot be used')
  })

  it('asks for fresh proof where none is fresh, and then does what was meant', async () => {
    const [lee, helpdesk] = [await pages.addUser('lee'), await pages.addUser('help', 'admin')]
    const page = await pages.open('/')
    await enterPassword(page, lee.email)
    await button(page, 'Turn on').click()
    const { phone } = await connect(page)
    await page.getByText('Multi-factor authentication is on').waitFor()
    await signOut(page)

    // A helpdesk's pass signs in and proves nothing.
    const { access_token } = await pages.login(helpdesk.email)
    const lost = { reason: 'lost phone' }
    const { pass } = await pages.post(`/api/admin/users/${lee.id}/pass`, lost, access_token)
    await enterPassword(page, lee.email)
    await choose(page, 'Pass from the helpdesk')
    await page.getByLabel('Pass').fill(pass)
    await button(page, 'Confirm').click()
    await heading(page, 'Security')

    const rename = async (name: string) => {
      await button(page, /^Rename/).click()
      await page.getByRole('textbox', { name: 'Name' }).fill(name)
      await button(page, 'Save').click()
    }
    await rename('Cancelled')
    const asked = page.getByRole('dialog', { name: 'Confirm once more' })
    await asked.getByRole('button', { name: 'Close' }).click()
    await asked.waitFor({ state: 'hidden' })
    await button(page, 'Save').click()
    await enterCode(page, await phone.code())
    await button(page, 'Rename Cancelled').waitFor()

    // The session is ended elsewhere: signing in leads back to where one was.
    await page.context().clearCookies()
    await rename('Unsaved')
    await page.getByText('Your session has ended').waitFor()
    expect(new URL(page.url()).search).toBe('?next=%2Fsettings%2Fsecurity')
  })

  it('says by itself, in every tab and browser, that one was signed out everywhere', async () => {
    const kim = await pages.addUser('kim')
    const page = await pages.open('/')
    await enterPassword(page, kim.email)
    await heading(page, 'Security')
    const tab = await page.context().newPage()
    await tab.goto(`${pages.url}/settings/security`)
    await heading(tab, 'Security')
    const browser = await pages.open('/')
    await browser.clock.install()
    await browser.reload()
    await enterPassword(browser, kim.email)
    await heading(browser, 'Security')
    await button(browser, 'Turn on').click()

    await button(page, 'Sign out everywhere').click()
    await heading(page, 'Sign in')
    await tab.getByText('Your session has ended').waitFor()
    expect(await browser.getByRole('dialog').count()).toBe(1)
    await hearsOfItsEnd(browser)
    expect(await browser.getByRole('dialog').count()).toBe(0)
    await enterPassword(tab, kim.email)
    await heading(tab, 'Security')
    expect(new URL(tab.url()).pathname).toBe('/settings/security')
    await heading(page, 'Security')
  })

  it('keeps no session alive by a page that nobody uses, and asks for no proof once it is over', async () => {
    const sam = await pages.addPhone('sam')
    const page = await pages.open('/')
    await page.clock.install()
    await page.reload()
    await enterPassword(page, sam.email)
    const { pass } = await pages.asRoot(`/api/admin/users/${sam.id}/pass`, { reason: 'lost phone' })
    await choose(page, 'Pass from the helpdesk')
    await page.getByLabel('Pass').fill(pass)
    await button(page, 'Confirm').click()
    await heading(page, 'Security')
    // Counted where they are made: word of a request comes to us late.
    await page.evaluate(`{
      const send = fetch
      globalThis.looks = 0
      globalThis.fetch = (at, ...more) => {
        if (String(at).endsWith('/auth/me')) looks++
        return send(at, ...more)
      }
    }`)
    await page.clock.runFor(5 * 60_000)
    expect(await page.evaluate('looks')).toBeGreaterThan(0)
    await page.clock.runFor(15 * 60_000)
    await page.evaluate('looks = 0')
    await page.clock.runFor(5 * 60_000)
    expect(await page.evaluate('looks')).toBe(0)

    await button(page, 'Rename Authenticator app').click()
    await page.getByRole('textbox', { name: 'Name' }).fill('Pixel')
    await button(page, 'Save').click()
    await page.getByRole('dialog', { name: 'Confirm once more' }).waitFor()
    await pages.call('DELETE', `/api/admin/users/${sam.id}/sessions`, { token: pages.rootToken() })
    await hearsOfItsEnd(page)
    expect(await page.getByRole('dialog').count()).toBe(0)
  })

  it('is light to load, and nothing moves once it is seen', async () => {
    const { url } = pages
    const page = await pages.open('/sign-in')
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

  it('walks a chain of two doors, whose first wrong code shuts both again', async () => {
    await pages.restart({ login_policies: pages.write('policies.json', policies) })
    const { email } = await pages.addUser('theo')
    const page = await pages.open('/')
    await enterPassword(page, email)
    await heading(page, 'Protect your account')
    const { phone, backup } = await connect(page)
    const second = page.getByText('Step 2 of 2')
    await enterCode(page, await phone.code())
    await second.waitFor()
    await page.getByText('Right. One more step.').waitFor()
    await picture(page, 'chain-second-door')
    await choose(page, 'Backup code')
    await page.getByLabel('Backup code').fill('XXXX-XXXX')
    await button(page, 'Confirm').click()
    await page.getByText('both doors are shut again').waitFor()
    await page.getByText('4 attempts left').waitFor()
    await page.getByText('Step 1 of 2').waitFor()
    await picture(page, 'chain-reset')
    await enterCode(page, await phone.code())
    await second.waitFor()
    await choose(page, 'Backup code')
    // As pasted, with a blank in the place of the hyphen.
    await page.getByLabel('Backup code').fill(` ${backup[3]!.replace('-', ' ')}\t`)
    await button(page, 'Confirm').click()
    await heading(page, 'Security')
  })

  it('takes codes of as many digits as the app shows, and sends no part of one', async () => {
    const six = await pages.addPhone('six')
    await pages.restart({ totp: { window: 3, digits: 8 } })
    const { email } = await pages.addUser('eight')
    const page = await pages.open('/', { prepare: (page) => page.addInitScript(finger) })
    await enterPassword(page, email)
    await button(page, 'Turn on').click()
    await button(page, /^Authenticator app/).click()
    // Nobody scans the screen of their own phone.
    const [link, code] = [
      page.getByRole('link', { name: /^Open the/ }),
      page.getByRole('img', { name: 'QR' }),
    ]
    await code.waitFor()
    expect((await link.boundingBox())!.y).toBeLessThan((await code.boundingBox())!.y)
    await picture(page, 'totp-on-a-phone')
    const secret = (await page.locator('.sp-secret').textContent())!.replaceAll(' ', '')
    const phone = makePhone(secret, { window: 3, digits: 8 })
    await page.getByLabel('Code of the app').fill(await phone.code())
    await page.getByText('Save your backup codes').waitFor()
    for (const fact of [email, new URL(pages.url).host, String(new Date().getFullYear())])
      expect(await page.locator('.sp-paper').textContent()).toContain(fact)
    await saveCodes(page)
    await signOut(page)
    await enterPassword(page, email)
    const digits = await phone.code()
    const field = page.getByLabel('Code of the app')
    await field.pressSequentially(digits.slice(0, 7))
    expect(await field.inputValue()).toBe(digits.slice(0, 7))
    await picture(page, 'eight-digits')
    await field.pressSequentially(digits.slice(7))
    await heading(page, 'Security')
    await signOut(page)
    // Who was here before keeps what they have.
    await enterPassword(page, six.email)
    await enterCode(page, await six.phone.code())
    await heading(page, 'Security')
  })
})
