import { statSync } from 'node:fs'
import { join } from 'node:path'
import type { Browser } from 'playwright-core'
import { buildPages, launchBrowser, openPage } from './support/browser.ts'
import { makeDirectory, serve } from './support/cli.ts'

/**
 * Prints what signing in costs a browser that was never here: script, first paint on a processor four times
 * as slow as this one, and how much moves after it is seen. Exits with 1 where a figure is over its bound.
 */
const visits = 9
const built = new URL('../web/dist/', import.meta.url)

/** What the page itself saw, once it has been still for a moment. */
const seen = `new Promise((done) => {
  let shift = 0
  new PerformanceObserver((list) => {
    for (const { value } of list.getEntries()) shift += value
  }).observe({ type: 'layout-shift', buffered: true })
  setTimeout(() => done({
    shift,
    paint: performance.getEntriesByName('first-contentful-paint')[0].startTime,
    scripts: performance.getEntriesByType('resource').map(({ name }) => name).filter((name) => name.endsWith('.js')),
  }), 500)
})`

interface Visit {
  shift: number
  paint: number
  scripts: string[]
}

async function visit(browser: Browser, url: string): Promise<Visit> {
  const { page, context, faults } = await openPage(browser, url)
  const devtools = await context.newCDPSession(page)
  await devtools.send('Emulation.setCPUThrottlingRate', { rate: 4 })
  await page.goto(`${url}/sign-in`)
  await page.getByRole('heading', { level: 1 }).waitFor()
  const figures: Visit = await page.evaluate(seen)
  await context.close()
  if (faults.length > 0) throw new Error(`the page has faults: ${faults.join('; ')}`)
  return figures
}

const bytesOf = (script: string) => statSync(new URL(`.${new URL(script).pathname}.gz`, built)).size

async function measure(): Promise<Visit[]> {
  buildPages()
  const directory = makeDirectory()
  const server = await serve(['--port', '0', '--data', join(directory.path, 'data')])
  const browser = await launchBrowser()
  try {
    const made: Visit[] = []
    for (let i = 0; i < visits; i++) made.push(await visit(browser, server.url))
    return made
  } finally {
    await browser.close()
    await server.stop()
    directory.remove()
  }
}

const made = await measure()
const paints = made.map(({ paint }) => paint).sort((a, b) => a - b)
const script = Math.max(
  ...made.map(({ scripts }) => scripts.map(bytesOf).reduce((sum, size) => sum + size, 0)),
)
const rows = [
  { name: 'script, gzip', unit: 'kB', value: script / 1000, most: 130 },
  { name: 'first paint, 4 times as slow, median', unit: 'ms', value: paints[visits >> 1]!, most: 1000 },
  { name: 'first paint, slowest', unit: 'ms', value: paints.at(-1)! },
  { name: 'layout shift', unit: '', value: Math.max(...made.map(({ shift }) => shift)), most: 0 },
]
console.log(`The sign-in page, over ${visits} first visits`)
for (const { name, unit, value, most } of rows) {
  const bound = most === undefined ? '' : `(at most ${most})${value > most ? '  OVER' : ''}`
  console.log(`  ${name.padEnd(38)}${value.toFixed(1).padStart(8)} ${unit.padEnd(3)}${bound}`)
}
if (rows.some(({ value, most = Number.POSITIVE_INFINITY }) => value > most)) process.exitCode = 1
