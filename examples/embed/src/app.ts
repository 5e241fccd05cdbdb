import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import { json } from 'node:stream/consumers'
import { relayToLogin } from './login-relay.ts'
import type { Page } from './page.ts'
import type { Answer, Sallyport } from './sallyport.ts'
import { relayToService } from './service-relay.ts'
import { createSessions } from './sessions.ts'
import type { CheckPassword } from './users.ts'

const proofLasts = 5 * 60_000
const keptDevice = /(?:^|;\s*)device=((?:__Host-)?sallyport-device=[\w-]+)/

interface Call {
  request: IncomingMessage
  response: ServerResponse
  body: Record<string, unknown>
  address: string
}

/** An app with a page of its own on an origin of its own, which asks for the second factor by two elements. */
export function createApp(options: {
  checkPassword: CheckPassword
  sallyport: Sallyport
  page: Page
}): Server {
  const { checkPassword, sallyport, page } = options
  const sessions = createSessions()

  async function signIn({ request, response, body }: Call): Promise<Answer> {
    const user = String(body.user)
    if (!(await checkPassword(user, body.password))) return refuse(401, 'invalid_credentials')
    const { body: status } = await sallyport.service('GET', `status/${encodeURIComponent(user)}`)
    const kind = status.enabled === false ? 'full' : 'half'
    sessions.begin(request, response, { user, staff: false, kind, provedAt: 0 })
    return ok({ next: kind === 'half' ? '/api/mfa' : null })
  }

  /** For those whose passwords Sallyport has. */
  async function signInStaff({ request, response, body, address }: Call): Promise<Answer> {
    const { user: email, password } = body
    const device = keptDevice.exec(request.headers.cookie ?? '')?.[1]
    const answer = await sallyport.login('login', { email, password }, { address, device })
    keepDevice(response, answer)
    if (answer.status !== 200) return answer
    const session = { user: String(email), staff: true, provedAt: 0 }
    const { mfa_required, temp_token, chain, mfa_methods: methods, access_token } = answer.body
    if (typeof access_token === 'string') {
      // The browser is trusted, or nothing more is asked of this account.
      await sallyport.login('logout', {}, { address, token: access_token })
      sessions.begin(request, response, { ...session, kind: 'full' })
      return ok({ next: null })
    }
    // Who has to enrol first does so on Sallyport's own pages.
    if (mfa_required !== true) return refuse(403, 'nothing_enrolled')
    const rememberDays = answer.body.remember_days
    const attempt = { token: String(temp_token), chain, methods, rememberDays }
    sessions.begin(request, response, { ...session, kind: 'half', attempt })
    return ok({ next: '/api/staff/mfa' })
  }

  async function relay(call: Call, path: string): Promise<Answer> {
    const { request, response, body, address } = call
    const session = sessions.find(request)
    if (!session) return refuse(401, 'invalid_token')
    const { user, staff, attempt } = session
    const name = path.slice(path.lastIndexOf('/') + 1)
    const asked = { method: request.method ?? '', name, body, address }
    const passed = () =>
      sessions.begin(request, response, { user, staff, kind: 'full', provedAt: Date.now() })
    if (path === `/api/staff/mfa/${name}` && attempt) {
      const relayed = await relayToLogin(sallyport, { ...asked, attempt })
      if (relayed?.done) {
        passed()
        keepDevice(response, relayed.answer)
      }
      return relayed?.answer ?? refuse(403, 'forbidden')
    }
    if (path !== `/api/mfa/${name}` || staff) return refuse(403, 'forbidden')
    const answer = await relayToService(sallyport, { ...asked, session })
    // This, and no event in a page, is what signs somebody in.
    if (name === 'verify' && answer?.status === 200) passed()
    return answer ?? refuse(403, 'forbidden')
  }

  async function answer(call: Call, path: string): Promise<Answer> {
    const { request } = call
    switch (`${request.method} ${path}`) {
      case 'POST /api/login':
        return signIn(call)
      case 'POST /api/staff/login':
        return signInStaff(call)
      case 'POST /api/logout':
        sessions.end(request)
        return ok({})
    }
    if (path.startsWith('/api/mfa/') || path.startsWith('/api/staff/mfa/')) return relay(call, path)
    const session = sessions.find(request)
    if (session?.kind !== 'full') return refuse(401, 'invalid_token')
    switch (`${request.method} ${path}`) {
      case 'GET /api/me':
        return ok({ user: session.user })
      case 'POST /api/invoices':
        return Date.now() - session.provedAt < proofLasts
          ? ok({ invoices: ['No. 1041, 12.50', 'No. 1042, 80.00'] })
          : refuse(403, 'step_up_required')
    }
    return refuse(404, 'not_found')
  }

  return createServer((request, response) => {
    const path = (request.url ?? '/').split('?')[0]!
    const file = page.files.get(path)
    response.setHeader('content-security-policy', page.policy)
    response.setHeader('x-content-type-options', 'nosniff')
    response.setHeader('cache-control', 'no-store')
    if (file) return void response.setHeader('content-type', `${file.type}; charset=utf-8`).end(file.text)
    void respond(request, response, path)
  })

  /** Whatever goes wrong, nobody is let in. */
  async function respond(request: IncomingMessage, response: ServerResponse, path: string): Promise<void> {
    const { status, body, retryAfter } = await readCall(request, response)
      .then((call) => ('status' in call ? call : answer(call, path)))
      .catch((error: unknown) => {
        console.error(`${path}:`, error)
        return refuse(503, 'not_ready')
      })
    if (retryAfter !== null) response.setHeader('retry-after', retryAfter)
    response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body))
  }
}

async function readCall(request: IncomingMessage, response: ServerResponse): Promise<Call | Answer> {
  const address = request.socket.remoteAddress ?? ''
  if (request.method === 'GET') return { request, response, body: {}, address }
  const { origin, host, 'content-type': type = '', 'content-length': length } = request.headers
  // Browsers say which page sent it. Pages elsewhere get nothing done here.
  if (origin !== `http://${host}`) return refuse(403, 'csrf_refused')
  if (!type.startsWith('application/json')) return refuse(400, 'invalid_input')
  if (!(Number(length) <= 65_536)) return refuse(413, 'payload_too_large')
  const body: unknown = await json(request).catch(() => null)
  if (typeof body !== 'object' || body === null) return refuse(400, 'invalid_input')
  return { request, response, body: body as Record<string, unknown>, address }
}

/** In a cookie of this app's own, since Sallyport's would be for its own address. */
function keepDevice(response: ServerResponse, { device }: Answer): void {
  if (device === undefined) return
  const lasting = 'Path=/api/staff; Max-Age=2592000; HttpOnly; SameSite=Strict'
  response.appendHeader('set-cookie', `device=${device}; ${lasting}`)
}

function ok(body: Record<string, unknown>): Answer {
  return { status: 200, body, retryAfter: null }
}

/** As Sallyport itself says no, so that the element knows what to tell. */
function refuse(status: number, code: string): Answer {
  return { status, body: { code, detail: code.replaceAll('_', ' ') }, retryAfter: null }
}
