import type { Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Look, picture, seriousFindings } from './support/browser.ts'
import { type Keyboard, keepCodes, keyboardOf, leave, setUpPhone, typePassword } from './support/keyboard.ts'
import {
  offerNothing,
  openPages,
  type Pages,
  passkey,
  password,
  phoneOf,
  plugIn,
  root,
  securityKey,
} from './support/open-pages.ts'
import { testKey, typed } from './support/yubikey.ts'

const everyWay = ['totp', 'email', 'backup', 'yubikey', 'webauthn']
const policies = {
  policies: [
    { name: 'root', when: { subjects: root }, action: 'allow' },
    {
      ...{ name: 'everybody', action: 'chain', too_few: 'enrol', passkey: true, trusted_devices: true },
      chain: { mode: 'fixed', required_steps: 1, factors: [{ id: 'any', label: 'Any', any_of: everyWay }] },
    },
  ],
}

describe('signing in, with a keyboard and nothing else', () => {
  let pages: Pages

  beforeAll(async () => {
    pages = await openPages({ policies, yubikey: true })
    await pages.makeRoot()
  })
  afterAll(() => pages?.close())

  async function open(path: string, look: Look = {}): Promise<{ page: Page; keys: Keyboard }> {
    const page = await pages.open(path, look)
    return { page, keys: keyboardOf(page) }
  }

  async function look(page: Page, name: string) {
    expect([name, await seriousFindings(page)]).toEqual([name, []])
    await picture(page, name)
  }

  it('connects an authenticator, and opens the second door by it and by a backup code', async () => {
    const ada = await pages.addUser('ada')
    const { page, keys } = await open('/')
    await typePassword(keys, ada.email, password)
    await keys.stands('Protect your account')
    await keys.enter(/^Authenticator app/)
    await keys.stands('Six-digit code')
    await keys.enter('Copy', 'Shift+Tab')
    await page.getByText('Copied').waitFor()
    const phone = phoneOf(await page.evaluate('navigator.clipboard.readText()'))
    await keys.goTo('Six-digit code')
    await keys.type(phone.wrong())
    await page.getByRole('alert').waitFor()
    await keys.stands('Six-digit code')
    await keys.type(await phone.code())
    await keys.stands('Save your backup codes')
    const backup = await page.locator('.sp-codes li').first().textContent()
    await Promise.all([page.waitForEvent('download'), keys.enter('Download')])
    await keepCodes(keys)
    await keys.stands('Security')
    await leave(keys)

    await typePassword(keys, ada.email, password)
    await keys.stands('Six-digit code')
    await keys.type(await phone.code())
    await keys.stands('Security')
    await leave(keys)

    await typePassword(keys, ada.email, password)
    await keys.stands('Six-digit code')
    await keys.type(phone.wrong())
    await page.getByText('4 attempts left').waitFor()
    await keys.stands('Six-digit code')
    await keys.enter(/^Backup code/)
    await keys.stands('Backup code')
    await keys.type(backup!)
    await keys.press('Enter')
    await keys.stands('Security')
  })

  it('takes codes by e-mail, sends another, and resets a password', async () => {
    const mia = await pages.addUser('mia')
    const { page, keys } = await open('/')
    let seen = pages.mail.mails.length
    const code = () => pages.codeTo(mia.email, seen)
    await typePassword(keys, mia.email, password)
    await keys.stands('Protect your account')
    await keys.enter(/^Code by e-mail/)
    await keys.stands('Six-digit code')
    await keys.type(await code())
    await keys.stands('Security')
    await leave(keys)

    seen = pages.mail.mails.length
    await page.clock.install()
    await typePassword(keys, mia.email, password)
    await keys.stands('Six-digit code')
    await code()
    seen = pages.mail.mails.length
    await page.getByRole('button', { name: /^Another code in/ }).waitFor()
    await page.clock.runFor(31_000)
    await keys.enter('Send another code', 'Shift+Tab')
    const another = await code()
    await keys.goTo('Six-digit code')
    await keys.type(another)
    await keys.stands('Security')
    await leave(keys)

    await keys.enter('Forgot your password?')
    await keys.stands('Reset your password')
    seen = pages.mail.mails.length
    await keys.fill('E-mail address', mia.email)
    await keys.press('Enter')
    await keys.stands('Reset your password')
    await page.goto(await pages.linkTo(mia.email, seen))
    await page.getByRole('heading', { level: 1, name: 'Choose a new password' }).waitFor()
    await keys.fill('New password', password)
    await keys.enter('Set the password')
    await keys.stands('Choose a new password')
    await keys.enter('Go to sign in')
    await typePassword(keys, mia.email, password)
    await keys.stands('Protect your account')
  })

  it('makes a passkey, and signs in by it alone', async () => {
    const pat = await pages.addUser('pat')
    const { page, keys } = await open('/')
    const touch = await plugIn(page, passkey)
    await touch(false)
    await typePassword(keys, pat.email, password)
    await keys.stands('Protect your account')
    await keys.enter(/^Passkey or security key/)
    await keys.stands('Add a passkey or security key')
    await touch(true)
    await keys.fill('Name', 'Laptop')
    await keys.press('Enter')
    await keys.stands('Save your backup codes')
    await keepCodes(keys)
    await keys.stands('Security')
    await page.getByText('Laptop').waitFor()
    await offerNothing(page)
    await leave(keys)
    await keys.enter('Sign in with a passkey')
    await keys.stands('Security')
  })

  it('takes a security key as second factor, remembers the browser and forgets it', async () => {
    const sam = await pages.addUser('sam')
    const { page, keys } = await open('/')
    const touch = await plugIn(page, securityKey)
    await typePassword(keys, sam.email, password)
    await keys.stands('Protect your account')
    await keys.enter(/^Passkey or security key/)
    await keys.fill('Name', 'Ring')
    await keys.enter('Go on in the browser')
    await keys.stands('Save your backup codes')
    await keepCodes(keys)
    await keys.stands('Security')
    await leave(keys)

    await typePassword(keys, sam.email, password)
    await keys.stands('Use passkey or security key')
    await keys.tick(/^Remember this browser/)
    await keys.enter('Use passkey or security key', 'Shift+Tab')
    await keys.stands('Security')
    await touch(false)
    await page.getByText('Trusted browsers').waitFor()
    await keys.enter(/^Forget /)
    await page.getByText('Trusted browsers').waitFor({ state: 'detached' })
    await keys.stands('Security')
  })

  it('registers a YubiKey, and is let in by what it types, each touch once', async () => {
    const yuri = await pages.addUser('yuri')
    const touches = await typed(testKey, [1, 0], [1, 1], [1, 2])
    const { page, keys } = await open('/', { colorScheme: 'dark' })
    await typePassword(keys, yuri.email, password)
    await keys.stands('Protect your account')
    await keys.enter(/^YubiKey/)
    await keys.stands('Code of the YubiKey')
    await look(page, 'setup-yubikey')
    await keys.type(touches[0]!)
    await keys.press('Enter')
    await keys.stands('Security')
    await page.getByText('My YubiKey').waitFor()
    await look(page, 'security-yubikey')
    await leave(keys)
    await typePassword(keys, yuri.email, password)
    await keys.stands('Code of the YubiKey')
    await keys.type(touches[0]!)
    await keys.press('Enter')
    await page.getByRole('alert').getByText('was used before').waitFor()
    await keys.stands('Code of the YubiKey')
    await look(page, 'verify-yubikey')
    await keys.type(touches[1]!)
    await keys.press('Enter')
    await keys.stands('Security')
    await page.getByText('Last used').waitFor()
  })

  it('opens what the links lead to', async () => {
    const { keys, page } = await open('/')
    const invited = await pages.asRoot('/api/admin/users', { email: 'ivy@example.org', role: 'user' })
    await page.goto(invited.link)
    await page.getByRole('heading', { level: 1, name: 'Welcome' }).waitFor()
    await keys.fill('New password', 'password1234')
    await keys.press('Enter')
    await page.getByRole('alert').getByText('This password will not do').waitFor()
    await keys.fill('New password', password)
    await keys.enter('Set the password')
    await keys.stands('Welcome')
    await keys.enter('Go to sign in')
    await keys.stands('E-mail address')

    const { link } = await pages.asRoot(`/api/admin/users/${invited.user.id}/enrolment-link`, {
      reason: 'new',
    })
    await page.goto(link)
    await page.getByRole('heading', { level: 1, name: 'Set up a new factor' }).waitFor()
    await keys.fill('Password', password)
    await keys.press('Enter')
    await keys.stands('Protect your account')
    await setUpPhone(keys, page)
    await keys.stands('Security')
    await keys.goTo('Skip to the content', 'Shift+Tab')
    await keys.press('Enter')
    await keys.enter(/^(Turn off|Add)$/)
  })
})
