import { createChainDemo, demoFactors } from './chain-demo.ts'
import { createDemoApp } from './demo-app.ts'

/** In the middle of a time step, so that small moves stay in it. */
const begin = 1_800_000_015_000

export interface Reply {
  status: number
  type: string | null
  headers: Headers
  // biome-ignore lint/suspicious/noExplicitAny: tests look into what was answered, whatever it is
  body: any
}

export interface ClientOptions {
  mode?: 'fixed' | 'random'
  debugCodes?: boolean
  socket?: { remoteAddress: string; localAddress: string }
}

/** The app in this process, with a clock to turn, called as its clients call it. */
export function createTestClient({ mode = 'fixed', debugCodes = true, socket }: ClientOptions = {}) {
  let now = begin
  const app = createDemoApp({ demo: createChainDemo({ mode, clock: { now: () => now } }), debugCodes })
  const loopback = { remoteAddress: '127.0.0.1', localAddress: '127.0.0.1' }
  const env = { incoming: { socket: socket ?? loopback } }

  async function call(method: string, path: string, body?: unknown, headers = {}): Promise<Reply> {
    const text = typeof body === 'string' ? body : JSON.stringify(body)
    const init = { method, headers, ...(body === undefined ? {} : { body: text }) }
    const response = await app.request(`http://127.0.0.1:8000${path}`, init, env)
    const type = response.headers.get('content-type')
    const isJson = type?.includes('json') ?? false
    const content = isJson ? await response.json() : await response.text()
    return { status: response.status, type, headers: response.headers, body: content }
  }

  const post = (path: string, body?: unknown, headers = {}) => call('POST', path, body, headers)
  const enroll = (user: string, factor: string) => post(`/users/${user}/factors/${factor}/enroll`)
  const code = (session: string) => call('GET', `/attempt/${session}/debug/current-code`)

  return {
    call,
    post,
    enroll,
    code,
    get now() {
      return now
    },
    turn(seconds: number) {
      now += seconds * 1_000
    },
    async enrollBoth(user = 'alice'): Promise<Record<string, string>> {
      const secrets: Record<string, string> = {}
      for (const { id } of demoFactors) secrets[id] = (await enroll(user, id)).body.secret
      return secrets
    },
    start: (user = 'alice') => post(`/users/${user}/attempt/start`),
    verify: (session_id: string, factor_id: string, user_input: unknown, window?: unknown) =>
      post('/attempt/verify', { session_id, factor_id, user_input, window }),
    /** Passes the expected step with the code that the debug route gives out. */
    async pass(session: string): Promise<Reply & { code: string }> {
      const { factor_id, code: user_input } = (await code(session)).body
      const reply = await post('/attempt/verify', { session_id: session, factor_id, user_input })
      return { ...reply, code: user_input }
    },
  }
}
