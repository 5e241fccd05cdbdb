import { execFileSync } from 'node:child_process'
import { randomInt } from 'node:crypto'
import { once } from 'node:events'
import { mkdirSync, readFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { fileURLToPath } from 'node:url'
import { type Browser, type BrowserContext, chromium, type Page } from 'playwright-core'

export const screenshots = fileURLToPath(new URL('../screenshots/', import.meta.url))
const root = fileURLToPath(new URL('../..', import.meta.url))
const axe = readFileSync(new URL('../../node_modules/axe-core/axe.min.js', import.meta.url), 'utf8')

const flags = ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run']
flags.push('--disable-background-networking', '--disable-component-update', '--disable-sync')
// Of several such lists the last counts: Playwright's own again, and at its end two pages that Chromium draws
// for its address bar, in each window, which cost more than opening the window.
const without = [
  ...['AvoidUnnecessaryBeforeUnloadCheckSync', 'DestroyProfileOnBrowserClose', 'HttpsUpgrades'],
  ...['HttpsFirstBalancedModeAutoEnable', 'LensOverlay', 'MediaRouter', 'PaintHolding'],
  ...['ThirdPartyStoragePartitioning', 'AvoidCorsURLLoaderRestartOnRedirect', 'OptimizationHints'],
  ...['NetworkTimeServiceQuerying', 'AimEnabled', 'PreconnectToSearch'],
  ...['WebUIOmniboxPopup', 'WebUIOmniboxAimPopup'],
]
flags.push(`--disable-features=${without}`)

export const run = (command: string, ...args: string[]) =>
  execFileSync(command, args, { encoding: 'utf8', stdio: 'pipe' }).trim()

/** The pages as `npm start` brings them; nothing is built where they are of these sources. */
export function buildPages(): void {
  run(process.execPath, `${root}tools/build-web.mjs`)
}

export async function launchBrowser(...more: string[]): Promise<Browser> {
  mkdirSync(screenshots, { recursive: true })
  const executablePath = run('sh', '-c', 'command -v chromium || command -v chromium-browser')
  return chromium.launch({ executablePath, args: [...flags, ...more] })
}

export const sizes = { wide: { width: 1280, height: 900 }, phone: { width: 390, height: 844 } }

export interface Look {
  colorScheme?: 'light' | 'dark'
  size?: keyof typeof sizes
  locale?: string
  /** Another server that the page may load from. */
  elsewhere?: string
}

/** Answers that these pages ask for knowing that they may be a no: a wrong code, a session that is over. */
const expected = new Set([400, 401, 403, 409, 429])

/** A page whose every fault is noted: errors, violations of the policy, requests that fail or go elsewhere. */
export async function openPage(
  browser: Browser,
  url: string,
  { colorScheme = 'light', size = 'wide', locale = 'en-GB', elsewhere = url }: Look = {},
): Promise<{ page: Page; context: BrowserContext; faults: string[] }> {
  const context = await browser.newContext({
    ...{ colorScheme, locale, viewport: sizes[size], acceptDownloads: true },
    // What still moves on a busy machine is gone from under the pointer before it is pressed.
    reducedMotion: 'reduce',
    permissions: ['clipboard-read', 'clipboard-write'],
  })
  context.setDefaultTimeout(30_000)
  const page = await context.newPage()
  const faults: string[] = []
  const refusal = (address: string) => /^\/(auth|api)\//.test(new URL(address).pathname)
  page.on('pageerror', (error) => faults.push(String(error)))
  page.on('requestfailed', (request) => {
    // What was under way when the page was left.
    if (request.failure()?.errorText !== 'net::ERR_ABORTED') faults.push(`failed: ${request.url()}`)
  })
  page.on('request', (request) => {
    const at = request.url()
    if (!/^(data|blob):/.test(at) && !at.startsWith(url) && !at.startsWith(elsewhere)) faults.push(at)
  })
  page.on('response', (response) => {
    const known = expected.has(response.status()) && refusal(response.url())
    if (response.status() >= 400 && !known) faults.push(`${response.status()}: ${response.url()}`)
  })
  page.on('console', (message) => {
    // The browser itself reports every refusal; violations of the policy come here too.
    const { url: at } = message.location()
    const reported = /status of (400|401|403|409|429)/.test(message.text()) && refusal(at)
    if (['error', 'warning'].includes(message.type()) && !reported) faults.push(message.text())
  })
  return { page, context, faults }
}

/** For people to look at: in `test/screenshots`, which git ignores. */
export async function picture(page: Page, name: string): Promise<void> {
  // A dialog stands over what is seen of the page, not over all of it.
  const fullPage = (await page.getByRole('dialog').count()) === 0
  await page.screenshot({ path: `${screenshots}${name}.png`, fullPage, animations: 'disabled' })
}

/** The rules whose answer hangs on colours: where a page was judged in one scheme, the other needs no more. */
const ofColours = ['color-contrast', 'link-in-text-block']

/** What axe finds serious or critical. */
export async function seriousFindings(page: Page, only?: 'colours'): Promise<string[]> {
  // What moves into its place is judged where it stands; what turns round until an answer comes never ends.
  await page.evaluate(`Promise.all(document.getAnimations()
    .filter((one) => one.effect.getComputedTiming().iterations !== Infinity)
    .map((one) => one.finished.catch(() => {})))`)
  if (!(await page.evaluate(`'axe' in window`))) await page.evaluate(axe)
  // Of what is in order axe would list every element.
  const options = { resultTypes: ['violations'], ...(only && { runOnly: ofColours }) }
  const found: { impact: string; id: string; nodes: { html: string; any: { message: string }[] }[] }[] =
    await page.evaluate(`axe.run(document, ${JSON.stringify(options)}).then(({ violations }) => violations)`)
  return found
    .filter(({ impact }) => impact === 'serious' || impact === 'critical')
    .flatMap(({ id, nodes }) => nodes.map(({ html, any }) => `${id}: ${html} ${any[0]?.message ?? ''}`))
}

/** The code of so many time steps from now, made by a program that knows nothing of ours. */
export function oathtool(secret: string, steps = 0): string {
  const at = new Date(Date.now() + steps * 30_000).toISOString().replace('T', ' ').replace(/\..*/, ' UTC')
  return run('oathtool', '--totp', '--base32', '--now', at, secret)
}

/**
 * For servers whose address must be known before they are: keys belong to one. It is below those that the
 * system gives to whoever asks for any, so that nobody is given it in between.
 */
export async function freePort(): Promise<number> {
  const port = randomInt(10_000, 32_000)
  const server = createServer().listen(port, '127.0.0.1')
  const free = await once(server, 'listening').then(
    () => true,
    () => false,
  )
  if (!free) return freePort()
  server.close()
  await once(server, 'close')
  return port
}
