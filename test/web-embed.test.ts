import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Browser, Locator, Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import {
  buildPages,
  type Look,
  launchBrowser,
  oathtool,
  openPage,
  run,
  screenshots,
  seriousFindings,
} from './support/browser.ts'
import { makeDirectory, type Serving, sallyport, sallyportJson, serve } from './support/cli.ts'
import { type MailServer, startMailServer } from './support/mail-server.ts'
import { type Running, startProgram } from './support/real-server.ts'

const password = 'correct horse battery staple'
const program = new URL('../examples/embed/src/main.ts', import.meta.url).pathname
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

/** What a page, its scripts and its frames were sent, and sent themselves. */
interface Seen {
  page: Page
  traffic: string[]
}

describe('the dialogs in a page of another origin', () => {
  const directory = makeDirectory()
  const data = join(directory.path, 'data')
  let mail: MailServer
  let browser: Browser
  let server: Serving
  let shop: Running
  let key: string

  beforeAll(async () => {
    buildPages()
    mail = await startMailServer()
    const file = (name: string, document: object) => {
      writeFileSync(join(directory.path, name), JSON.stringify(document))
      return join(directory.path, name)
    }
    const config = file('sallyport.yaml', {
      mail: { from: 'a@example.org', smtp: { host: '127.0.0.1', port: mail.port, secure: 'none' } },
      totp: { window: 2 },
      login_policies: file('policies.yaml', policies),
    })
    browser = await launchBrowser()
    server = await serve(['--port', '0', '--data', data, '--config', config])
    const made = ['apikey', 'create', '--data', data, '--name', 'shop', '--app', 'shop']
    key = (await sallyportJson<{ key: string }>([...made, '--scope', 'mfa:read,mfa:write'])).key
    const env = { SALLYPORT_URL: server.url, SALLYPORT_KEY: key, PORT: '0' }
    shop = await startProgram(program, { env })
    const set = ['application', 'set', 'shop', '--data', data, '--rp-id', 'localhost', '--origin', shop.url]
    expect(await sallyport(set)).toMatchObject({ code: 0 })
  }, 120_000)
  afterAll(async () => {
    await browser?.close()
    await shop?.stop()
    await server?.stop()
    await mail?.close()
    directory.remove()
  })

  /** The shop's page; whatever its console, its policy or its requests complain of fails the test. */
  async function open(look: Look = {}): Promise<Seen> {
    const { page, context, faults } = await openPage(browser, shop.url, { ...look, elsewhere: server.url })
    const traffic: string[] = []
    page.on('response', async (response) => {
      const headers = JSON.stringify([response.headers(), response.request().headers()])
      traffic.push(headers, response.request().postData() ?? '', await response.text().catch(() => ''))
    })
    onTestFinished(async ({ task }) => {
      if (task.result?.state === 'fail') await picture(page, `failed-embed-${task.name.slice(0, 20)}`)
      await context.close()
      expect(faults).toEqual([])
    })
    await page.goto(shop.url)
    return { page, traffic }
  }

  const picture = (page: Page, name: string) => page.screenshot({ path: `${screenshots}${name}.png` })

  async function signIn(page: Page, user: string, { staff = false, phrase = password } = {}) {
    await page.getByLabel('User').fill(user)
    await page.getByLabel('Password').fill(phrase)
    await page.getByLabel('I work here').setChecked(staff)
    await page.getByRole('button', { name: 'Sign in' }).click()
  }

  const atHome = (page: Page, user: string) => page.getByRole('heading', { name: `Hello, ${user}` }).waitFor()
  const signOut = (page: Page) => page.getByRole('button', { name: 'Sign out' }).click()
  const enterCode = (where: Page | Locator, code: string) => where.getByLabel('Six-digit code').fill(code)

  async function choose(page: Page, method: string) {
    await page.getByText('Use another way').click()
    await page.getByRole('button', { name: new RegExp(`^${method}`) }).click()
  }

  /** Through the setup dialog, the secret read off the picture as a phone would. */
  async function setUpTotp(page: Page, step = 0) {
    await page.getByRole('button', { name: 'Protect my account' }).click()
    const dialog = page.getByRole('dialog')
    await dialog.getByRole('button', { name: /^Authenticator app/ }).click()
    const file = `${screenshots}embed-scanned.png`
    await dialog.getByRole('img', { name: 'QR code' }).screenshot({ path: file })
    const secret = new URL(run('zbarimg', '--raw', '--quiet', file)).searchParams.get('secret')!
    await enterCode(dialog, oathtool(secret, step))
    await dialog.getByRole('heading', { name: 'Save your backup codes' }).waitFor()
    const backup = await dialog.locator('li').allTextContents()
    expect(backup).toHaveLength(10)
    return { dialog, secret, backup }
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
    const { dialog, secret, backup } = await setUpTotp(page, -1)
    // Codes that are shown this once outlive a key pressed in passing.
    await page.keyboard.press('Escape')
    await dialog.getByRole('button', { name: 'Copy' }).click()
    await dialog.getByRole('button', { name: 'Copied' }).waitFor()
    expect(await page.evaluate('navigator.clipboard.readText()')).toBe(backup.join('\n'))
    await finish(dialog)
    await signOut(page)

    await signIn(page, 'ada')
    await page.getByRole('heading', { name: 'Confirm that it is you' }).waitFor()
    await enterCode(page, '000000')
    await page.getByText('This code is not right').waitFor()
    await page.getByText('4 attempts left').waitFor()
    expect(await page.getByLabel('Six-digit code').inputValue()).toBe('')
    await picture(page, 'embed-wrong')
    // As pasted from elsewhere, with what stood around it.
    await page.getByLabel('Six-digit code').focus()
    await page.evaluate(`navigator.clipboard.writeText(' ${oathtool(secret).replace(/.{3}/, '$& ')} ')`)
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
    await signIn(page, 'grace')
    await atHome(page, 'grace')
    await finish((await setUpTotp(page)).dialog)
    await signOut(page)
    await signIn(page, 'grace')
    await choose(page, 'Code by e-mail')
    await page.getByText('A code is on its way').waitFor()
    expect(await page.getByRole('button', { name: /^Another code in \d+ s/ }).isDisabled()).toBe(true)
    const letters = () => mail.mails.filter(({ to }) => [to].flat()[0]?.text === 'grace@example.org')
    await expect.poll(() => letters().length, { timeout: 10_000 }).toBeGreaterThan(0)
    await enterCode(page, /^ {4}(\d{6})$/m.exec(letters().at(-1)!.text!)![1]!)
    await atHome(page, 'grace')
  })
})
