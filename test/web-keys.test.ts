import type { Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { picture, seriousFindings } from './support/browser.ts'
import {
  button,
  enterPassword,
  heading,
  type Key,
  offerNothing,
  openPages,
  type Pages,
  passkey,
  plugIn,
  root,
  saveCodes,
  securityKey,
  signOut,
} from './support/open-pages.ts'

const policies = {
  policies: [
    { name: 'root', when: { subjects: root }, action: 'allow' },
    {
      name: 'everybody',
      action: 'chain',
      too_few: 'enrol',
      passkey: true,
      trusted_devices: true,
      chain: {
        mode: 'fixed',
        required_steps: 1,
        factors: [{ id: 'key', label: 'Key', any_of: ['webauthn', 'backup'] }],
      },
    },
  ],
}

/** A key of the oldest kind. */
const u2fKey: Key = { protocol: 'u2f', transport: 'usb' }

describe('keys and remembered browsers on the pages', () => {
  let pages: Pages

  beforeAll(async () => {
    pages = await openPages({ policies })
    await pages.makeRoot()
  })
  afterAll(() => pages?.close())

  async function addKey(page: Page, name: string) {
    await button(page, /^Passkey or security key/).click()
    await page.getByRole('textbox', { name: 'Name' }).fill(name)
    await button(page, 'Go on in the browser').click()
  }

  async function look(page: Page, name: string) {
    expect([name, await seriousFindings(page)]).toEqual([name, []])
    await picture(page, name)
  }

  it.each([
    ['a U2F key', u2fKey],
    ['a key without a PIN', securityKey],
  ])('takes %s as second factor, once, and lets go of it', async (name, kind) => {
    const { email } = await pages.addUser(kind.protocol)
    const page = await pages.open('/')
    await plugIn(page, kind)
    await enterPassword(page, email)
    await addKey(page, name)
    await saveCodes(page)
    await heading(page, 'Security')
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
    const { email } = await pages.addUser('auto')
    const page = await pages.open('/')
    const touch = await plugIn(page, passkey)
    await enterPassword(page, email)
    await addKey(page, 'Phone')
    await saveCodes(page)
    await heading(page, 'Security')
    await touch(false)
    await signOut(page)
    // Nobody presses a button: a hand takes what the browser offers.
    await touch(true)
    await page.reload()
    await heading(page, 'Security')
    await button(page, 'Rename Phone').waitFor()
  })

  it('says nothing of a passkey that was offered and not taken', async () => {
    const offered = `navigator.credentials.get = async () => {
      throw Object.assign(new DOMException('no', 'NotAllowedError'), (window.offered = {}))
    }`
    const prepare = (page: Page) => page.addInitScript(offered)
    const page = await pages.open('/', { prepare })
    await expect.poll(() => page.evaluate('window.offered !== undefined')).toBe(true)
    // What is pressed is asked for.
    await button(page, 'Sign in with a passkey').waitFor()
    expect(await page.getByRole('alert').count()).toBe(0)
    await button(page, 'Sign in with a passkey').click()
    await page.getByRole('alert').getByText('The browser did not finish').waitFor()
  })

  it('takes a passkey: in the wizard, as second factor, as fresh proof, and in the place of the password', async () => {
    const { email } = await pages.addUser('pat')
    const page = await pages.open('/')
    const touch = await plugIn(page, passkey)
    await enterPassword(page, email)
    await addKey(page, 'Laptop')
    await saveCodes(page)
    await page.getByText('Laptop').waitFor()

    // A hand that is not there: what the browser offers by itself waits until somebody takes it.
    await touch(false)
    await signOut(page)
    await enterPassword(page, email)
    await heading(page, 'Confirm that it is you')
    await touch(true)
    await button(page, 'Use passkey or security key').click()
    await button(page, 'Make new codes').click()
    await button(page, 'Use passkey or security key').click()
    await saveCodes(page)
    await offerNothing(page)
    await signOut(page)
    await picture(page, 'sign-in-passkey')
    await button(page, 'Sign in with a passkey').click()
    await heading(page, 'Security')
  })

  it('remembers a browser that wants it, lists it, and asks again once it is forgotten', async () => {
    const { email } = await pages.addUser('remy')
    const page = await pages.open('/')
    await plugIn(page, securityKey)
    await enterPassword(page, email)
    await addKey(page, 'Ring')
    await saveCodes(page)
    await heading(page, 'Security')
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

    await button(page, /^Forget /).click()
    await page.getByText('Trusted browsers').waitFor({ state: 'detached' })
    await signOut(page)
    await enterPassword(page, email)
    await heading(page, 'Confirm that it is you')
  })
})
