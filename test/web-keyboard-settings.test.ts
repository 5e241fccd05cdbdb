import { afterAll, beforeAll, describe, it } from 'vitest'
import { keepCodes, keyboardOf, typePassword } from './support/keyboard.ts'
import { openPages, type Pages, password } from './support/open-pages.ts'

describe("everybody's own settings, with a keyboard and nothing else", () => {
  let pages: Pages

  beforeAll(async () => {
    pages = await openPages()
    await pages.makeRoot()
  })
  afterAll(() => pages?.close())

  it('adds, renames and removes factors, makes new codes, turns all of it off and on', async () => {
    const lee = await pages.addPhone('lee')
    const page = await pages.open('/')
    const keys = keyboardOf(page)
    await typePassword(keys, lee.email, password)
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
    // They are shown this once only, and not to be lost by a key.
    await keys.press('Escape')
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
    const page = await pages.open('/settings/security')
    const keys = keyboardOf(page)
    await typePassword(keys, kim.email, password)
    await keys.stands('Six-digit code')
    // A pass signs in and proves nothing.
    const { pass } = await pages.asRoot(`/api/admin/users/${kim.id}/pass`, { reason: 'lost phone' })
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
})
