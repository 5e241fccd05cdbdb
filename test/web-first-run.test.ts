import { readFileSync } from 'node:fs'
import { parseProvisioningUri } from '@sallyport/core'
import type { Page } from 'playwright-core'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { run, screenshots } from './support/browser.ts'
import { keyboardOf, setUpPhone, typePassword } from './support/keyboard.ts'
import {
  button,
  choose,
  enterCode,
  enterPassword,
  heading,
  openPages,
  type Pages,
  password,
  phoneOf,
  root,
  saveCodes,
  signOut,
} from './support/open-pages.ts'

describe('the first administrator', () => {
  let pages: Pages

  beforeEach(async () => {
    pages = await openPages()
  })
  afterEach(() => pages?.close())

  /** The wizard, with all that it offers for taking secret and codes along. */
  async function setUpTotp(page: Page) {
    await button(page, /^Authenticator app/).click()
    const file = `${screenshots}scanned.png`
    await page.getByAltText('QR code for your authenticator app').screenshot({ path: file })
    const uri = run('zbarimg', '--raw', '--quiet', file)
    expect(parseProvisioningUri(uri).issuer).toBe('Sallyport')
    const secret = new URL(uri).searchParams.get('secret')!
    await button(page, 'Copy').click()
    await button(page, 'Copied').waitFor()
    expect(await page.evaluate('navigator.clipboard.readText()')).toBe(secret)
    const phone = phoneOf(secret)
    await enterCode(page, await phone.code())
    await page.getByRole('heading', { name: 'Save your backup codes' }).waitFor()
    const [download] = await Promise.all([page.waitForEvent('download'), button(page, 'Download').click()])
    const saved = readFileSync(await download.path(), 'utf8')
    expect(await button(page, 'Finish').isDisabled()).toBe(true)
    const backup = await saveCodes(page)
    expect(backup).toHaveLength(10)
    for (const code of backup) expect(saved).toContain(`${code}\n`)
    return { phone, backup }
  }

  it('is led from the printed link to a protected account, and in again each way', async () => {
    const page = await pages.open(pages.setupLink)
    await heading(page, 'Welcome to Sallyport')
    expect(page.url()).not.toContain('token')
    await page.getByLabel('E-mail address').fill(root)
    await page.getByLabel('New password').fill('password1234')
    await button(page, 'Create the administrator').click()
    await page.getByRole('alert').getByText('This password will not do').waitFor()
    await page.getByLabel('New password').fill(password)
    await button(page, 'Create the administrator').click()
    await page.getByLabel('New password').waitFor({ state: 'hidden' })
    await page.getByRole('link', { name: 'Go to sign in' }).click()

    await enterPassword(page, root)
    await heading(page, 'Security')
    await page.getByText('Multi-factor authentication is off').waitFor()
    await button(page, 'Turn on').click()
    const { phone, backup } = await setUpTotp(page)
    await page.getByText('Multi-factor authentication is on').waitFor()
    await page.getByText('10 codes left').waitFor()
    await signOut(page)

    await enterPassword(page, root)
    await heading(page, 'Confirm that it is you')
    await enterCode(page, phone.wrong())
    await page.getByRole('alert').getByText('4 attempts left').waitFor()
    await choose(page, 'Backup code')
    await page.getByLabel('Backup code').fill(backup[0]!.toLowerCase())
    await button(page, 'Confirm').click()
    await page.getByText('9 codes left').waitFor()

    // A name of one's own, and a new set of codes, which the old ones do not survive.
    await button(page, 'Rename Authenticator app').click()
    await page.getByRole('textbox', { name: 'Name' }).fill('Pixel')
    await button(page, 'Save').click()
    await page.getByText('Pixel').waitFor()
    await button(page, 'Make new codes').click()
    await enterCode(page, await phone.code())
    await saveCodes(page)
    await page.getByText('10 codes left').waitFor()
  })

  it('gets there with a keyboard and nothing else', async () => {
    const page = await pages.open(pages.setupLink)
    const keys = keyboardOf(page)
    await heading(page, 'Welcome to Sallyport')
    await keys.fill('E-mail address', root)
    await keys.fill('New password', 'password1234')
    await keys.press('Enter')
    await page.getByRole('alert').getByText('This password will not do').waitFor()
    await keys.fill('New password', password)
    await keys.enter('Create the administrator')
    await keys.stands('Welcome to Sallyport')
    await keys.enter('Go to sign in')
    await typePassword(keys, root, password)
    await keys.stands('Security')
    await keys.enter('Turn on')
    await setUpPhone(keys, page)
    await page.getByText('Multi-factor authentication is on').waitFor()
    await keys.stands('Security')
    await keys.enter('Administration', 'Shift+Tab')
    await keys.stands('Overview')
  })
})
