import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { decodeSecret, randomId, systemRandom } from '@sallyport/core'
import { codeOf } from '../../../test/support/harness.ts'
import { type Answer, openConnections, requestOf } from './connection.ts'
import { startServer } from './process.ts'

const program = new URL('./better-auth.program.ts', import.meta.url)
const password = 'correct horse battery staple'
const base = '/api/auth'

export interface BetterAuthOptions {
  hash?: 'scrypt' | 'argon2id' | 'none'
  cookieCache?: boolean
}

/** The peer's server with a database of its own, and what a client needs to make it work. */
export async function startBetterAuth({ hash = 'scrypt', cookieCache = false }: BetterAuthOptions = {}) {
  const directory = mkdtempSync(join(tmpdir(), 'sallyport-bench-'))
  const args = [
    '--db',
    join(directory, 'auth.db'),
    '--hash',
    hash,
    ...(cookieCache ? ['--cookie-cache'] : []),
  ]
  const start = () => startServer(program, { args, env: { NODE_ENV: 'production' } })
  let running = await start()

  async function post(path: string, body: object, headers: Record<string, string> = {}): Promise<Answer> {
    const [connection] = await openConnections(running.url, 1)
    const answer = await connection!.ask(postOf(path, body, headers)).finally(() => connection!.close())
    if (answer.status !== 200) throw new Error(`better-auth ${path}: ${answer.status} ${answer.body}`)
    return answer
  }

  async function addUser() {
    const email = `user.${randomId(systemRandom)}@example.org`
    const answer = await post('/sign-up/email', { email, password, name: 'user' })
    const { token } = JSON.parse(answer.body) as { token: string }
    return { email, token, cookies: cookiesOf(answer) }
  }

  const user = await addUser()
  const withPhone = await addUser()
  const enabled = await post(
    '/two-factor/enable',
    { password },
    { authorization: `Bearer ${withPhone.token}` },
  )
  const uri = new URL((JSON.parse(enabled.body) as { totpURI: string }).totpURI)
  const secret = decodeSecret(uri.searchParams.get('secret')!)
  const signInOf = (email: string, given = password) => postOf('/sign-in/email', { email, password: given })

  /** Each begun by a sign-in; it takes the same code for all of them. */
  async function pendings(count: number): Promise<string[]> {
    const connections = await openConnections(running.url, 4)
    const cookies: string[] = []
    const begin = async (connection: (typeof connections)[number]) => {
      while (cookies.length < count) {
        const place = cookies.push('') - 1
        cookies[place] = cookiesOf(await connection.ask(signInOf(withPhone.email)))
      }
    }
    await Promise.all(connections.map(begin))
    for (const connection of connections) connection.close()
    const code = codeOf(secret, Date.now())
    return cookies.map((cookie) => postOf('/two-factor/verify-totp', { code }, { cookie }))
  }

  const session = (headers: Record<string, string>) =>
    requestOf({ method: 'GET', path: `${base}/get-session`, headers })
  return {
    process: () => running,
    pendings,
    signIn: signInOf(user.email),
    /** A sign-in of nobody's. */
    guess: () => signInOf(`${randomId(systemRandom)}@example.org`, 'not the password'),
    sessionByBearer: session({ authorization: `Bearer ${user.token}` }),
    sessionByCookie: session({ cookie: user.cookies }),
    async restart() {
      await running.stop()
      running = await start()
    },
    async stop() {
      await running.stop()
      rmSync(directory, { recursive: true })
    },
  }
}

function postOf(path: string, body: object, headers: Record<string, string> = {}): string {
  return requestOf({
    method: 'POST',
    path: base + path,
    headers: { origin: 'http://bench.example', ...headers },
    body,
  })
}

function cookiesOf({ headers }: Answer): string {
  return [...headers.matchAll(/^set-cookie: ([^;]+)/gim)].map(([, cookie]) => cookie).join('; ')
}
