import type { Page } from 'playwright-core'
import { afterAll, beforeAll, describe, it } from 'vitest'
import { oathtool } from './support/browser.ts'
import { type Keyboard, keyboardOf, typePassword } from './support/keyboard.ts'
import {
  openPages,
  type Pages,
  passkey,
  password,
  plugIn,
  root,
  type Somebody,
  securityKey,
} from './support/open-pages.ts'
import { makePhone } from './support/people.ts'
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

describe('the pages, with a keyboard and nothing else', { timeout: 120_000 }, () => {
  let pages: Pages

  beforeAll(async () => {
    pages = await openPages({ yubikey: true })
    await pages.makeRoot()
    await pages.restart({ login_policies: pages.write('policies.json', policies) })
  }, 120_000)
  afterAll(() => pages?.close())

  async function open(path: string): Promise<{ page: Page; keys: Keyboard }> {
    const page = await pages.open(path)
    return { page, keys: keyboardOf(page) }
  }

  const enterPassword = (keys: Keyboard, { email }: Somebody) => typePassword(keys, email, password)

  async function signOut(keys: Keyboard) {
    await keys.enter('Your account', 'Shift+Tab')
    // The menu itself, then what is in it.
    await keys.stands('')
    await keys.press('ArrowDown')
    await keys.stands('Sign out')
    await keys.press('Enter')
    await keys.stands('E-mail address')
  }

  async function keepCodes(keys: Keyboard) {
    await keys.tick(/^I have saved these codes/)
    await keys.enter('Finish')
  }

  it('connects an authenticator, and opens the second door by it and by a backup code', async () => {
    const ada = await pages.addUser('ada')
    const { page, keys } = await open('/')
    await enterPassword(keys, ada)
    await keys.stands('Protect your account')
    await keys.enter(/^Authenticator app/)
    await keys.stands('Six-digit code')
    await keys.enter('Copy', 'Shift+Tab')
    await page.getByText('Copied').waitFor()
    const phone = makePhone(await page.evaluate('navigator.clipboard.readText()'), { window: 3 })
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
    await signOut(keys)

    await enterPassword(keys, ada)
    await keys.stands('Six-digit code')
    await keys.type(await phone.code())
    await keys.stands('Security')
    await signOut(keys)

    await enterPassword(keys, ada)
    await keys.stands('Six-digit code')
    await keys.type(phone.wrong())
    await page.getByText('4 attempts left').waitFor()
    await keys.stands('Six-digit code')
    await keys.enter('Use another way')
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
    await enterPassword(keys, mia)
    await keys.stands('Protect your account')
    await keys.enter(/^Code by e-mail/)
    await keys.stands('Six-digit code')
    await keys.type(await code())
    await keys.stands('Security')
    await signOut(keys)

    seen = pages.mail.mails.length
    await page.clock.install()
    await enterPassword(keys, mia)
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
    await signOut(keys)

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
    await enterPassword(keys, mia)
    await keys.stands('Protect your account')
  })

  it('makes a passkey, and signs in by it alone', async () => {
    const pat = await pages.addUser('pat')
    const { page, keys } = await open('/')
    const touch = await plugIn(page, passkey)
    await touch(false)
    await enterPassword(keys, pat)
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
    await touch(false)
    await signOut(keys)
    await touch(true)
    await keys.enter('Sign in with a passkey')
    await keys.stands('Security')
  })

  it('takes a security key as second factor, remembers the browser and forgets it', async () => {
    const sam = await pages.addUser('sam')
    const { page, keys } = await open('/')
    const touch = await plugIn(page, securityKey)
    await enterPassword(keys, sam)
    await keys.stands('Protect your account')
    await keys.enter(/^Passkey or security key/)
    await keys.fill('Name', 'Ring')
    await keys.enter('Go on in the browser')
    await keys.stands('Save your backup codes')
    await keepCodes(keys)
    await keys.stands('Security')
    await signOut(keys)

    await enterPassword(keys, sam)
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

  it('registers a YubiKey, signs in by it, and is let in by its touch alone', async () => {
    const yuri = await pages.addUser('yuri')
    const touches = await typed(testKey, [1, 0], [1, 1], [1, 2])
    const { page, keys } = await open('/')
    await enterPassword(keys, yuri)
    await keys.stands('Protect your account')
    await keys.enter(/^YubiKey/)
    await keys.stands('Code of the YubiKey')
    await keys.type(touches[0]!)
    await keys.press('Enter')
    await keys.stands('Security')
    await signOut(keys)
    await enterPassword(keys, yuri)
    await keys.stands('Code of the YubiKey')
    await keys.type(touches[0]!)
    await keys.press('Enter')
    await page.getByRole('alert').getByText('was used before').waitFor()
    await keys.stands('Code of the YubiKey')
    await keys.type(touches[1]!)
    await keys.press('Enter')
    await keys.stands('Security')
  })

  it('adds, renames and removes factors, makes new codes, turns all of it off and on', async () => {
    const lee = await pages.addPhone('lee')
    const { page, keys } = await open('/')
    await enterPassword(keys, lee)
    await keys.stands('Six-digit code')
    await keys.type(await lee.phone.code())
    await keys.stands('Security')

    await keys.enter('Add')
    await page.getByRole('dialog').waitFor()
    await keys.press('Escape')
    await keys.stands('Add')
    let seen = pages.mail.mails.length
    await keys.press('Enter')
    await keys.enter(/^Code by e-mail/)
    await keys.stands('Six-digit code')
    await keys.type(await pages.codeTo(lee.email, seen))
    await keys.stands('Add')
    await page.getByText(/^Code by e-mail · Added/).waitFor()

    await keys.enter('Rename Authenticator app')
    await keys.stands('Name')
    await keys.press('Control+A')
    await keys.type('Pixel')
    await keys.press('Enter')
    await keys.stands('Rename Pixel')
    await keys.enter(/^Remove (?!Pixel)/)
    await page.getByRole('dialog', { name: /^Remove / }).waitFor()
    await keys.enter('Remove')
    await page.getByRole('button', { name: /^Remove (?!Pixel)/ }).waitFor({ state: 'detached' })
    await keys.stands('Your ways of proving it')

    await keys.enter('Make new codes')
    await keys.stands('Six-digit code')
    await keys.type(await lee.phone.code())
    await page.getByText('Save your backup codes').waitFor()
    await keepCodes(keys)
    await keys.stands('Make new codes')
    await page.getByText('10 codes left').waitFor()

    await keys.enter('Turn off')
    await keys.stands('Six-digit code')
    await keys.type(await lee.phone.code())
    await page.getByText('Multi-factor authentication is off').waitFor()
    await keys.stands('Security')
    seen = pages.mail.mails.length
    await keys.enter('Turn on')
    await keys.enter(/^Code by e-mail/)
    await keys.stands('Six-digit code')
    await keys.type(await pages.codeTo(lee.email, seen))
    await page.getByText('Multi-factor authentication is on').waitFor()
    await keys.stands('Security')
  })

  it('proves it once more, ends a session elsewhere, changes the password, and leaves everywhere', async () => {
    const kim = await pages.addPhone('kim')
    const { page, keys } = await open('/settings/security')
    await enterPassword(keys, kim)
    await keys.stands('Six-digit code')
    // A pass signs in and proves nothing.
    const { pass } = await pages.asRoot(`/api/admin/users/${kim.id}/pass`, { reason: 'lost phone' })
    await keys.enter('Use another way')
    await keys.enter(/^Pass from the helpdesk/)
    await keys.stands('Pass')
    await keys.type(pass)
    await keys.press('Enter')
    await keys.stands('Security')

    // Where the phone was set up, by no browser.
    await keys.enter(/^Sign out (?!everywhere)/)
    await page.getByRole('button', { name: /^Sign out (?!everywhere)/ }).waitFor({ state: 'detached' })
    await keys.stands('Where you are signed in')

    await keys.enter('Change password')
    await keys.stands('Current password')
    await keys.type('not my password at all')
    await keys.fill('New password', `${password} again`)
    await keys.press('Enter')
    await keys.stands('Six-digit code')
    await keys.type(await kim.phone.code())
    await page.getByRole('alert').waitFor()
    await keys.fill('Current password', password)
    await keys.enter('Change password')
    await page.getByText('Your password is changed').waitFor()
    await keys.stands('Change password')
    await keys.enter('Sign out everywhere', 'Shift+Tab')
    await keys.stands('E-mail address')
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
    await keys.enter(/^Authenticator app/)
    await keys.stands('Six-digit code')
    const secret = (await page.locator('.sp-secret').textContent())!.replaceAll(' ', '')
    await keys.type(oathtool(secret))
    await keys.stands('Save your backup codes')
    await keepCodes(keys)
    await keys.stands('Security')
    await keys.goTo('Skip to the content', 'Shift+Tab')
    await keys.press('Enter')
    await keys.enter(/^(Turn off|Add)$/)
  })
})
