import { execFileSync } from 'node:child_process'
import { mkdirSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { parseProvisioningUri } from '@sallyport/core'
import { type Browser, chromium, type Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import { type RunningDemo, startDemo } from './demo.fixture.ts'

const screenshots = fileURLToPath(new URL('../../../test/screenshots/chain-demo/', import.meta.url))
const browserFlags = ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run']
browserFlags.push('--disable-background-networking', '--disable-component-update', '--disable-sync')

const sizes = { wide: { width: 1280, height: 900 }, phone: { width: 390, height: 844 } }
const looks = (['light', 'dark'] as const).flatMap((colorScheme) =>
  (['wide', 'phone'] as const).map((size) => [colorScheme, size] as const),
)

const run = (command: string, ...args: string[]) =>
  execFileSync(command, args, { encoding: 'utf8', stdio: 'pipe' }).trim()

/** The code of so many time steps from now, made by a program that knows nothing of ours. */
function oathtool(secret: string, steps = 0): string {
  const at = new Date(Date.now() + steps * 30_000).toISOString().replace('T', ' ').replace(/\..*/, ' UTC')
  return run('oathtool', '--totp', '--base32', '--now', at, secret)
}

/** What a phone's camera would see. */
async function scan(page: Page, label: string): Promise<string> {
  const file = `${screenshots}scanned.png`
  await page.getByAltText(`QR code to scan with ${label}`).screenshot({ path: file })
  return run('zbarimg', '--raw', '--quiet', file)
}

describe('the page in Chromium', () => {
  let browser: Browser
  let fixed: RunningDemo
  let random: RunningDemo

  beforeAll(async () => {
    mkdirSync(screenshots, { recursive: true })
    const executablePath = run('sh', '-c', 'command -v chromium')
    browser = await chromium.launch({ executablePath, args: browserFlags })
    fixed = await startDemo()
    random = await startDemo('--mode', 'random', '--debug-codes')
  })
  afterAll(async () => {
    await browser?.close()
    await fixed?.stop()
    await random?.stop()
  })

  /** A page on which every fault fails the test, whatever else it looks at. */
  async function open(
    demo: RunningDemo,
    look: { colorScheme?: 'light' | 'dark'; size?: 'wide' | 'phone' } = {},
  ) {
    const { colorScheme = 'light', size = 'wide' } = look
    const permissions = ['clipboard-read', 'clipboard-write']
    const context = await browser.newContext({ colorScheme, viewport: sizes[size], permissions })
    const page = await context.newPage()
    const faults: string[] = []
    page.on('pageerror', (error) => faults.push(String(error)))
    page.on('requestfailed', (request) => faults.push(`failed: ${request.url()}`))
    page.on('request', (request) => {
      if (!request.url().startsWith(demo.base) && !request.url().startsWith('data:'))
        faults.push(request.url())
    })
    page.on('response', (response) => {
      if (response.status() >= 400 && !isReset(response.url(), response.status())) {
        faults.push(`${response.status()}: ${response.url()}`)
      }
    })
    page.on('console', (message) => {
      // The browser itself reports every 401, and this one is what the page is about. CSP violations come here too.
      const { url } = message.location()
      if (
        ['error', 'warning'].includes(message.type()) &&
        !(isReset(url, 401) && / 401 /.test(message.text()))
      ) {
        faults.push(message.text())
      }
    })
    onTestFinished(async () => {
      await context.close()
      expect(faults).toEqual([])
    })
    await page.goto(demo.base)
    return page
  }

  const isReset = (url: string, status: number) => url.endsWith('/attempt/verify') && status === 401
  const current = (page: Page) => page.locator('#chain [aria-current=step] .what')
  const send = async (page: Page, code: string) => {
    await page.getByLabel('Code from').focus()
    await page.keyboard.insertText(code)
  }

  it.each(looks)('leads from enrolment through a RESET to the end: %s, %s', async (colorScheme, size) => {
    const page = await open(fixed, { colorScheme, size })
    const user = 'robin'
    const picture = (name: string) =>
      page.screenshot({ path: `${screenshots}${name}-${colorScheme}-${size}.png`, fullPage: true })
    await picture('1-begin')

    await page.getByLabel('User name').fill(user)
    const secrets: Record<string, string> = {}
    for (const label of ['Google Authenticator', 'Microsoft Authenticator']) {
      expect(await page.getByRole('button', { name: 'Start an attempt' }).isDisabled()).toBe(true)
      await page.getByRole('button', { name: `Enrol ${label}` }).click()
      const uri = await scan(page, label)
      expect(parseProvisioningUri(uri).account).toBe(user)
      secrets[label] = new URL(uri).searchParams.get('secret')!
    }
    await page.getByRole('button', { name: 'Copy secret' }).first().click()
    await page.getByRole('button', { name: 'Copied' }).waitFor()
    expect(await page.evaluate('navigator.clipboard.readText()')).toBe(secrets['Google Authenticator'])
    await picture('2-enrolled')

    await page.getByRole('button', { name: 'Start an attempt' }).click()
    expect(await current(page).textContent()).toBe('Google Authenticator')
    expect(await page.getByRole('button', { name: 'Fill in the current code' }).isVisible()).toBe(false)
    const google = oathtool(secrets['Google Authenticator']!)
    await send(page, `${google.slice(0, 3)} ${google.slice(3)}`)
    await page.getByText('Google Authenticator passed').waitFor()
    expect(await current(page).textContent()).toBe('Microsoft Authenticator')
    await picture('3-second-step')

    await send(page, '12345')
    await page.keyboard.press('Enter')
    const alert = page.getByRole('alert').filter({ hasText: 'RESET' })
    await alert.waitFor()
    expect(await alert.textContent()).toContain('back at its first step')
    expect(await current(page).textContent()).toBe('Google Authenticator')
    await picture('4-reset')

    await send(page, oathtool(secrets['Google Authenticator']!, 1))
    await page.getByText('Google Authenticator passed').waitFor()
    await send(page, oathtool(secrets['Microsoft Authenticator']!))
    await page.getByRole('heading', { name: 'Authenticated' }).waitFor()
    await picture('5-authenticated')

    await page.getByRole('button', { name: 'Start again' }).click()
    expect(await current(page).textContent()).toBe('Google Authenticator')
    const overflow = 'document.documentElement.scrollWidth - document.documentElement.clientWidth'
    expect(await page.evaluate(overflow)).toBe(0)
  })

  it('is walked with the keyboard alone, in random order, with debug codes', async () => {
    const page = await open(random)
    const press = async (...keys: string[]) => {
      for (const key of keys) await page.keyboard.press(key)
    }
    await press('Tab', 'Tab', 'Enter')
    await page.getByAltText('QR code to scan with Google Authenticator').waitFor()
    await press('Tab', 'Tab', 'Tab', 'Enter')
    await page.getByAltText('QR code to scan with Microsoft Authenticator').waitFor()
    await press('Tab', 'Tab', 'Tab', 'Enter')
    await current(page).waitFor()

    await page.keyboard.type('12345')
    await press('Enter')
    await page.getByText('The order was drawn anew').waitFor()
    const [first, second] = await page.locator('#chain .what').allTextContents()
    expect(await page.getByRole('alert').filter({ hasText: 'RESET' }).textContent()).toContain(
      `${first}, then ${second}.`,
    )

    await page.screenshot({ path: `${screenshots}6-random-debug.png`, fullPage: true })

    for (const done of [`${first} passed`, 'Both doors opened']) {
      await press('Tab', 'Tab', 'Enter')
      await expect.poll(() => page.getByLabel('Code from').inputValue()).toMatch(/^\d{6}$/)
      await press('Enter')
      await page.getByText(done).waitFor()
    }
    await press('Tab', 'Enter')
    await current(page).waitFor()
  })
})
