import { createHash } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { extname, join } from 'node:path'
import { NONCE, secureHeaders } from 'hono/secure-headers'
import type { GateApp, GateContext } from './context.ts'
import { answerRefusal, Refusal } from './refusal.ts'
import type { GateConfig } from './services.ts'

/** Where the pages find their way by themselves; a path below one is a deep link. */
const pagePaths = [
  '/',
  ...['/sign-in', '/forgot', '/setup', '/invitation', '/enrol', '/reset'],
  ...['/settings', '/settings/*', '/admin', '/admin/*'],
]

const pagePattern = /^\/(?:sign-in|forgot|setup|invitation|enrol|reset|(?:settings|admin)(?:\/.*)?)?$/

/** Somebody at a browser who mistyped an address gets a page that says so; a program gets a problem. */
const programPaths = /^\/(?:api|auth|wsapi|assets|embed)\//

export function wantsPage({ req }: GateContext): boolean {
  if (pagePattern.test(req.path)) return true
  const navigates = req.method === 'GET' && req.header('accept')?.includes('text/html') === true
  return navigates && !programPaths.test(req.path)
}

/** What the pages may load: files from here, and styles that carry the answer's nonce. */
export const pageHeaders = secureHeaders({
  contentSecurityPolicy: {
    defaultSrc: ["'none'"],
    scriptSrc: ["'self'"],
    styleSrc: ["'self'", NONCE],
    imgSrc: ["'self'", 'data:'],
    fontSrc: ["'self'"],
    connectSrc: ["'self'"],
    baseUri: ["'none'"],
    formAction: ["'self'"],
    frameAncestors: ["'none'"],
  },
  xFrameOptions: 'DENY',
})

/** The elements that pages of other sites load, with nobody's cookies: nothing in it is anybody's own. */
const embedPath = '/embed/sallyport-embed.js'

export const isForOtherSites = (path: string) => path === embedPath

const types: Readonly<Record<string, string>> = {
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.svg': 'image/svg+xml',
  '.png': 'image/png',
  '.wasm': 'application/wasm',
  '.woff2': 'font/woff2',
}

const encodings = [
  { encoding: 'br', suffix: '.br' },
  { encoding: 'gzip', suffix: '.gz' },
]

/**
 * Serves the built pages: their HTML, and the files that it names by their content's hash. Answers the page
 * for an address at which there is nothing.
 */
export function registerPages(
  app: GateApp,
  { folder, offers }: NonNullable<GateConfig['pages']>,
): (context: GateContext) => Promise<Response> {
  const html = async (context: GateContext) => {
    const built = await read(join(folder, 'index.html'))
    if (!built) return nothingHere(context)
    const filled = new TextDecoder()
      .decode(built)
      .replaceAll('{{nonce}}', context.get('secureHeadersNonce') ?? '')
      .replaceAll('{{offers}}', (await offers()).join(' '))
    context.header('cache-control', 'no-store')
    return context.html(filled)
  }
  for (const path of pagePaths) app.get(path, html)

  app.get('/assets/:name', async (context) => {
    const name = context.req.param('name')
    if (!/^[\w-][\w.-]*$/.test(name) || types[extname(name)] === undefined) return nothingHere(context)
    const lasting = { 'cache-control': 'public, max-age=31536000, immutable' }
    return serveFile(context, { file: join(folder, 'assets', name), headers: lasting })
  })

  // Asked for at each use by its one name, so that an upgrade is in force at once.
  app.get(embedPath, async (context) => {
    const file = join(folder, embedPath)
    const bytes = await read(file)
    if (!bytes) return nothingHere(context)
    const etag = `W/"${createHash('sha256').update(bytes).digest('base64url')}"`
    const headers = { 'cache-control': 'no-cache', 'access-control-allow-origin': '*', etag }
    if (context.req.header('if-none-match') === etag) return context.body(null, 304, headers)
    return serveFile(context, { file, headers })
  })

  return async (context) => {
    context.status(404)
    return html(context)
  }
}

/** A built file, or the smaller copy that was made of it. */
async function serveFile(
  context: GateContext,
  { file, headers }: { file: string; headers: Readonly<Record<string, string>> },
): Promise<Response> {
  const accepted = context.req.header('accept-encoding') ?? ''
  const typed = { ...headers, 'content-type': types[extname(file)] ?? '', vary: 'accept-encoding' }
  for (const { encoding, suffix } of encodings) {
    const bytes = accepted.includes(encoding) ? await read(file + suffix) : null
    if (bytes) return context.body(bytes, 200, { ...typed, 'content-encoding': encoding })
  }
  const bytes = await read(file)
  return bytes ? context.body(bytes, 200, typed) : nothingHere(context)
}

async function read(path: string): Promise<Uint8Array<ArrayBuffer> | null> {
  return readFile(path).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT' || error.code === 'EISDIR') return null
    throw error
  })
}

function nothingHere(context: GateContext): Response {
  return answerRefusal(context, new Refusal('not_found', 'there is no such page'))
}
