import { readFileSync } from 'node:fs'
import type { Hono } from 'hono'
import type { DemoEnv } from './body.ts'

const css = 'text/css; charset=utf-8'
const script = 'text/javascript; charset=utf-8'

const index = new URL('./page/index.html', import.meta.url)
const files = [
  ['/base.css', css, new URL('./page/base.css', import.meta.url)],
  ['/page.css', css, new URL('./page/page.css', import.meta.url)],
  ['/page.js', script, new URL('./page/page.js', import.meta.url)],
  ['/client.js', script, new URL('./page/client.js', import.meta.url)],
  ['/icon.svg', 'image/svg+xml', new URL('./page/icon.svg', import.meta.url)],
] as const

/** The page and its files, which know of the server only what is given here. */
export function addPage(
  app: Hono<DemoEnv>,
  { mode, debugCodes }: { mode: 'fixed' | 'random'; debugCodes: boolean },
): void {
  const html = readFileSync(index, 'utf8')
    .replace('data-mode=""', `data-mode="${mode}"`)
    .replace('data-debug-codes=""', `data-debug-codes="${debugCodes ? 'on' : 'off'}"`)
  app.on('GET', ['/', '/ui'], (context) => context.html(html))
  for (const [path, type, file] of files) {
    const text = readFileSync(file, 'utf8')
    app.get(path, (context) => context.body(text, 200, { 'content-type': type }))
  }
}
