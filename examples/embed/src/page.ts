import { readFileSync } from 'node:fs'

const index = new URL('./page/index.html', import.meta.url)
const files = [
  ['/page.css', 'text/css', new URL('./page/page.css', import.meta.url)],
  ['/page.js', 'text/javascript', new URL('./page/page.js', import.meta.url)],
  ['/icon.svg', 'image/svg+xml', new URL('./page/icon.svg', import.meta.url)],
] as const

export interface Page {
  policy: string
  files: ReadonlyMap<string, { type: string; text: string }>
}

/** The app's page, which loads the elements from Sallyport, and the policy it is held to. */
export function createPage(sallyportUrl: string): Page {
  const script = new URL('/embed/sallyport-embed.js', sallyportUrl).href
  const html = readFileSync(index, 'utf8').replace('{{script}}', script)
  const policy = [
    `default-src 'none'; script-src 'self' ${new URL(sallyportUrl).origin}; connect-src 'self'`,
    "style-src 'self'; img-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'",
    "require-trusted-types-for 'script'",
  ].join('; ')
  const read = files.map(([path, type, file]) => [path, { type, text: readFileSync(file, 'utf8') }] as const)
  return { policy, files: new Map([['/', { type: 'text/html', text: html }], ...read]) }
}
