import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { decodeSecret } from '@sallyport/core'
import { makeDirectory, sallyport, sallyportJson, serve } from './cli.ts'
import { codeOf } from './harness.ts'

export const password = 'correct horse battery staple'

/** Limits out of the way, so that a test meets the ones it asks for and no others. */
const config = `
security: { mfa: { roles: { CLERK: { required: true, grace: 0s } } } }
roles: [CLERK]
lockout: { attempts: 1000000 }
passwords:
  guesses: { attempts: 1000000 }
  guesses_per_address: { attempts: 1000000 }
  resets: { attempts: 1000000 }
  resets_per_address: { attempts: 1000000 }
log: { level: warn }
`

export interface CallOptions {
  token?: string
  /** Text goes out as it is, anything else as JSON. */
  body?: unknown
  headers?: Record<string, string>
}

export interface Signed {
  access: string
  refresh: string
  userId: string
}

export type PopulatedServer = Awaited<ReturnType<typeof startPopulatedServer>>

/**
 * The product as people start it, with somebody of each kind: an administrator, somebody with no second
 * factor, one who must enrol, one with an authenticator; and two applications with a key each.
 */
export async function startPopulatedServer() {
  const directory = makeDirectory()
  const data = join(directory.path, 'data')
  const file = join(directory.path, 'sallyport.yaml')
  writeFileSync(file, config)
  const where = ['--data', data, '--config', file]
  for (const [name, role] of people) {
    const words = ['user', 'create', ...where, '--email', emailOf(name), '--role', role, '--password-stdin']
    const { code, err } = await sallyport(words, { input: password })
    if (code !== 0) throw new Error(`cannot create ${name}: ${err}`)
  }
  const makeKey = async (app: string, scope: string) => {
    const words = ['apikey', 'create', ...where, '--name', 'test', '--app', app, '--scope', scope]
    return (await sallyportJson<{ key: string }>(words)).key
  }
  const keys = {
    pbx: await makeKey('pbx', 'mfa:read,mfa:write'),
    erp: await makeKey('erp', 'mfa:read,mfa:write'),
    admin: await makeKey('pbx', 'admin'),
  }
  const serving = await serve(['--port', '0', ...where])
  const { url } = serving
  let log = ''
  serving.child.stderr!.on('data', (chunk) => {
    log += chunk
  })

  let printed = ''
  serving.child.stdout!.on('data', (chunk) => {
    printed += chunk
  })

  async function call(method: string, path: string, more: CallOptions = {}) {
    const { token, body, headers } = more
    const response = await fetch(url + path, {
      method,
      headers: {
        ...(token !== undefined && { authorization: `Bearer ${token}` }),
        ...(body !== undefined && { 'content-type': 'application/json' }),
        ...headers,
      },
      ...(body !== undefined && { body: typeof body === 'string' ? body : JSON.stringify(body) }),
    })
    const text = await response.text()
    // biome-ignore lint/suspicious/noExplicitAny: what came over the wire is what the tests look at
    const read: any = text.startsWith('{') ? JSON.parse(text) : text
    return { status: response.status, headers: response.headers, body: read, text }
  }

  const login = (name: string) => call('POST', '/auth/login', { body: { email: emailOf(name), password } })

  async function signIn(name: 'ada' | 'bob' | 'spare' | 'dora'): Promise<Signed> {
    const { status, body } = await login(name)
    if (!body.access_token) throw new Error(`${name} cannot sign in: ${status} ${JSON.stringify(body)}`)
    return { access: body.access_token, refresh: body.refresh_token, userId: body.user_id }
  }

  /** Enrols an authenticator, where the first one was not enrolled yet. */
  async function enrol(token: string): Promise<{ secret: Uint8Array; backupCodes: string[] }> {
    const { body } = await call('POST', '/auth/mfa/enroll/totp', { token })
    const secret = decodeSecret(body.secret)
    const code = codeOf(secret, Date.now() - 30_000)
    const confirmed = await call('POST', '/auth/mfa/enroll/verify', { token, body: { code } })
    if (confirmed.status !== 200) throw new Error(`not enrolled: ${confirmed.text}`)
    return { secret, backupCodes: body.backup_codes }
  }

  const first = (await login('phone')).body.access_token as string
  const phone = await enrol(first)
  return {
    ...{ url, data, where, keys, call, login, signIn, enrol, phone },
    pid: serving.child.pid!,
    child: serving.child,
    log: () => log,
    /** What it wrote to its console, mail among it. */
    printed: () => printed,
    pendingToken: async (name = 'phone'): Promise<string> => (await login(name)).body.temp_token,
    enrolmentToken: async (): Promise<string> => (await login('clerk')).body.enrollment_token,
    async stop() {
      const code = await serving.stop()
      directory.remove()
      return code
    },
  }
}

const people = [
  ['ada', 'admin'],
  ['bob', 'user'],
  ['spare', 'user'],
  ['dora', 'user'],
  ['clerk', 'CLERK'],
  ['phone', 'user'],
] as const

export const emailOf = (name: string) => `${name}@example.org`
