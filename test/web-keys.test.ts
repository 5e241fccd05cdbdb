import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Browser, CDPSession, Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import {
  buildPages,
  freePort,
  launchBrowser,
  openPage,
  screenshots,
  seriousFindings,
} from './support/browser.ts'
import { makeDirectory, type Serving, sallyport, serve } from './support/cli.ts'
import { logLine, testKey, typed } from './support/yubikey.ts'

const password = 'Quartz-lantern-ferry-09'

const policies = {
  policies: [
    {
      name: 'everybody',
      action: 'chain',
      too_few: 'enrol',
      passkey: true,
      trusted_devices: true,
      chain: {
        mode: 'fixed',
        required_steps: 1,
        factors: [{ id: 'key', label: 'Key', any_of: ['webauthn', 'yubikey', 'backup'] }],
      },
    },
  ],
}

/** What people plug in: a key of the oldest kind, one of today's without a PIN, and what phones and laptops have. */
const u2fKey = { protocol: 'u2f', transport: 'usb' } as const
const plainKey = { protocol: 'ctap2', transport: 'usb' } as const
const passkey = {
  protocol: 'ctap2',
  transport: 'internal',
  hasResidentKey: true,
  hasUserVerification: true,
} as const

describe('keys and remembered browsers on the pages', { timeout: 60_000 }, () => {
  let browser: Browser
  let server: Serving
  let url: string
  const directory = makeDirectory()
  const data = join(directory.path, 'data')

  beforeAll(async () => {
    buildPages()
    const file = (name: string, text: string) => {
      writeFileSync(join(directory.path, name), text)
      return join(directory.path, name)
    }
    // Keys belong to a name, and not to an address of numbers.
    const port = await freePort()
    url = `http://localhost:${port}`
    const login_policies = file('policies.yaml', JSON.stringify(policies))
    const config = file('sallyport.yaml', JSON.stringify({ public_url: url, login_policies }))
    server = await serve(['--port', String(port), '--data', data, '--config', config])
    const log = file('log.csv', `${logLine(testKey)}\n`)
    const imported = await sallyport(['yubikey', 'import', log, '--apply', '--data', data])
    expect([imported.code, imported.err]).toEqual([0, ''])
    browser = await launchBrowser()
  }, 120_000)
  afterAll(async () => {
    await browser?.close()
    await server?.stop()
    directory.remove()
  })

  /** A page of somebody new, whose faults fail the test. */
  async function open(email: string, colorScheme: 'light' | 'dark' = 'light'): Promise<Page> {
    const words = ['user', 'create', '--data', data, '--email', email, '--role', 'user', '--password-stdin']
    const { code, err } = await sallyport(words, { input: password })
    expect([code, err]).toEqual([0, ''])
    const { page, context, faults } = await openPage(browser, url, { colorScheme })
    onTestFinished(async () => {
      await context.close()
      expect(faults).toEqual([])
    })
    await page.goto(url)
    return page
  }

  type Key = Parameters<typeof plugIn>[1]

  async function plugIn(page: Page, key: typeof u2fKey | typeof plainKey | typeof passkey) {
    const devtools = await page.context().newCDPSession(page)
    await devtools.send('WebAuthn.enable')
    const options = { isUserVerified: true, automaticPresenceSimulation: true, ...key }
    const { authenticatorId } = await devtools.send('WebAuthn.addVirtualAuthenticator', { options })
    return { devtools, authenticatorId }
  }

  const touch = (key: { devtools: CDPSession; authenticatorId: string }, enabled: boolean) =>
    key.devtools.send('WebAuthn.setAutomaticPresenceSimulation', {
      ...{ authenticatorId: key.authenticatorId, enabled },
    })

  const heading = (page: Page, name: string) => page.getByRole('heading', { level: 1, name }).waitFor()
  const button = (page: Page, name: string) => page.getByRole('button', { name, exact: true })

  async function enterPassword(page: Page, email: string) {
    await page.getByLabel('E-mail address').fill(email)
    await page.getByLabel('Password', { exact: true }).fill(password)
    await button(page, 'Sign in').click()
  }

  async function signOut(page: Page) {
    await button(page, 'Your account').click()
    await page.getByRole('menuitem', { name: 'Sign out' }).click()
    await heading(page, 'Sign in')
  }

  async function addKey(page: Page, name: string) {
    await page.getByRole('button', { name: /^Passkey or security key/ }).click()
    await page.getByRole('textbox', { name: 'Name' }).fill(name)
    await button(page, 'Go on in the browser').click()
  }

  async function saveCodes(page: Page) {
    await page.getByLabel('I have saved these codes').check()
    await button(page, 'Finish').click()
    await heading(page, 'Security')
  }

  async function look(page: Page, name: string) {
    expect([name, await seriousFindings(page)]).toEqual([name, []])
    await page.screenshot({ path: `${screenshots}${name}.png`, fullPage: true })
  }

  it.each<[string, Key]>([
    ['a U2F key', u2fKey],
    ['a key without a PIN', plainKey],
  ])('takes %s as second factor, once, and lets go of it', async (name, kind) => {
    const email = `${kind.protocol}@example.org`
    const page = await open(email)
    await plugIn(page, kind)
    await enterPassword(page, email)
    await addKey(page, name)
    await saveCodes(page)
    await page.getByText(name).waitFor()
    await button(page, 'Add').click()
    await addKey(page, 'The same again')
    await page.getByRole('alert').getByText('This exists already').waitFor()
    await page.keyboard.press('Escape')

    await signOut(page)
    await enterPassword(page, email)
    await button(page, 'Use passkey or security key').click()
    await heading(page, 'Security')
    await button(page, `Remove ${name}`).click()
    await button(page, 'Remove').click()
    await page.getByText('None yet.').waitFor()
    await signOut(page)
    await enterPassword(page, email)
    await heading(page, 'Protect your account')
  })

  it('signs in by the passkey that the browser offers in the field for the address', async () => {
    const email = 'auto@example.org'
    const page = await open(email)
    const key = await plugIn(page, passkey)
    await enterPassword(page, email)
    await addKey(page, 'Phone')
    await saveCodes(page)
    await touch(key, false)
    await signOut(page)
    // Nobody presses a button: a hand takes what the browser offers.
    await touch(key, true)
    await page.reload()
    await heading(page, 'Security')
    await button(page, 'Rename Phone').waitFor()
  })

  it('takes a YubiKey with nothing but what keyboards send, and each touch once', async () => {
    const email = 'yuri@example.org'
    const page = await open(email, 'dark')
    const touches = await typed(testKey, [1, 0], [1, 1], [1, 2])
    const press = async (otp: string) => {
      await page.keyboard.type(otp)
      await page.keyboard.press('Enter')
    }
    const tabTo = async (name: string, tab = 'Tab') => {
      const focused = button(page, name).and(page.locator(':focus'))
      for (let tabs = 0; tabs < 12 && (await focused.count()) === 0; tabs++) await page.keyboard.press(tab)
      await focused.press('Enter')
    }
    const signIn = async () => {
      await page.getByLabel('E-mail address').and(page.locator(':focus')).waitFor()
      await page.keyboard.type(email)
      await page.keyboard.press('Tab')
      await page.keyboard.type(password)
      await page.keyboard.press('Enter')
    }
    const field = page.getByLabel('Code of the YubiKey').and(page.locator(':focus'))

    await signIn()
    await heading(page, 'Protect your account')
    await tabTo('YubiKey A touch of the key types the code')
    await field.waitFor()
    await look(page, 'setup-yubikey')
    await press(touches[0]!)
    await heading(page, 'Security')
    await page.getByText('My YubiKey').waitFor()
    await look(page, 'security-yubikey')
    await tabTo('Your account', 'Shift+Tab')
    await page.getByRole('menuitem', { name: 'Sign out' }).waitFor()
    await page.getByRole('menuitem', { name: 'Sign out' }).press('Enter')

    await signIn()
    await field.waitFor()
    await press(touches[0]!)
    await page.getByRole('alert').getByText('was used before').waitFor()
    await look(page, 'verify-yubikey')
    await field.waitFor()
    await press(touches[1]!)
    await heading(page, 'Security')
    await page.getByText('Last used').waitFor()
  })

  it('remembers a browser that wants it, lists it, and asks again once it is forgotten', async () => {
    const email = 'remy@example.org'
    const page = await open(email)
    await plugIn(page, plainKey)
    await enterPassword(page, email)
    await addKey(page, 'Ring')
    await saveCodes(page)
    await page.getByText('This device').waitFor()
    expect(await page.getByText('Trusted browsers').count()).toBe(0)
    await signOut(page)

    await enterPassword(page, email)
    await page.getByLabel('Remember this browser for 30 days').check()
    await look(page, 'verify-remember')
    await button(page, 'Use passkey or security key').click()
    await heading(page, 'Security')
    await page.getByText(/^Trusted until/).waitFor()
    await look(page, 'security-trusted')
    await signOut(page)
    await enterPassword(page, email)
    await heading(page, 'Security')

    // It stands in the place of the second factor at signing in, and is no proof for changes.
    await button(page, 'Rename Ring').click()
    await page.getByRole('textbox', { name: 'Name' }).fill('Bracelet')
    await button(page, 'Save').click()
    await page.getByRole('dialog', { name: 'Confirm once more' }).waitFor()
    await button(page, 'Use passkey or security key').click()
    await page.getByText('Bracelet').waitFor()

    await page.getByRole('button', { name: /^Forget / }).click()
    await page.getByText('Trusted browsers').waitFor({ state: 'detached' })
    await signOut(page)
    await enterPassword(page, email)
    await heading(page, 'Confirm that it is you')
  })
})
