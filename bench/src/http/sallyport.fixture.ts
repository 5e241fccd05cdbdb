import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import {
  createUser,
  defaultTotpSettings,
  hashPassword,
  newTotpSecret,
  randomId,
  storePassword,
  systemRandom,
  type Tx,
} from '@sallyport/core'
import { loadConfig } from '../../../cli/src/config.ts'
import { openSallyport, type Sallyport } from '../../../cli/src/sallyport.ts'
import { createTokens } from '../../../gates/http/src/tokens.ts'
import { codeOf } from '../../../test/support/harness.ts'
import { openConnections, requestOf } from './connection.ts'
import { startServer } from './process.ts'

const program = new URL('../../../cli/src/main.ts', import.meta.url)
const password = 'correct horse battery staple'
const issuer = 'http://bench.example'
const random = systemRandom

/** As shipped but for the limits: all the load comes from one address. */
const settings = {
  public_url: issuer,
  log: { level: 'warn' },
  passwords: { guesses: { attempts: 1_000_000 }, guesses_per_address: { attempts: 1_000_000 } },
}

export type SallyportServer = Awaited<ReturnType<typeof startSallyport>>

/** `sallyport serve` with data of its own, and what a client needs to make it work. */
export async function startSallyport() {
  const directory = mkdtempSync(join(tmpdir(), 'sallyport-bench-'))
  const file = join(directory, 'sallyport.yaml')
  // JSON is YAML.
  writeFileSync(file, JSON.stringify({ ...settings, data: join(directory, 'data') }))
  const start = () => startServer(program, { args: ['serve', '--port', '0', '--config', file] })
  const beside = await openSallyport(loadConfig({ file, environment: {} }))
  const email = await addUser(beside)
  let running = await start()

  const signInOf = (name: string, given: string) =>
    requestOf({ method: 'POST', path: '/auth/login', body: { email: name, password: given } })
  const signIn = signInOf(email, password)
  const [connection] = await openConnections(running.url, 1)
  const signedIn = await connection!.ask(signIn).finally(() => connection!.close())
  if (signedIn.status !== 200) throw new Error(`not signed in: ${signedIn.status} ${signedIn.body}`)
  const { access_token: token } = JSON.parse(signedIn.body) as { access_token: string }

  return {
    process: () => running,
    pendings: (count: number) => pendings(beside, count),
    signIn,
    /** A sign-in of nobody's. */
    guess: () => signInOf(`${randomId(random)}@example.org`, 'not the password'),
    session: requestOf({ method: 'GET', path: '/auth/me', headers: { authorization: `Bearer ${token}` } }),
    async restart() {
      await running.stop()
      running = await start()
    },
    async stop() {
      await running.stop()
      await beside.close()
      rmSync(directory, { recursive: true })
    },
  }
}

async function addUser({ store, vault, clock }: Sallyport): Promise<string> {
  const email = `user.${randomId(random)}@example.org`
  const plaintext = Buffer.from(await hashPassword(password, { scheme: 'argon2id', random }))
  await store.transaction(async (tx) => {
    const context = { tx, clock, random }
    const subject = await createUser(userOf(email), context)
    const sealed = vault.seal({ subject: subject.id, purpose: 'password', plaintext })
    await storePassword({ subject, sealed }, context)
  })
  return email
}

/** Each of a subject of its own, whose first code is still good: none is accepted twice. */
async function pendings(sallyport: Sallyport, count: number): Promise<string[]> {
  const { store, signingKeys: keys, clock } = sallyport
  const begun = await store.transaction(async (tx) => {
    const all: Awaited<ReturnType<typeof begin>>[] = []
    for (let i = 0; i < count; i++) all.push(await begin(sallyport, tx))
    return all
  })
  const tokens = createTokens({ keys, issuer, clock })
  return Promise.all(
    begun.map(async ({ attempt, code }) => {
      const body = { temp_token: await tokens.issuePending(attempt), code }
      return requestOf({ method: 'POST', path: '/auth/mfa/verify', body })
    }),
  )
}

async function begin({ vault, clock, attempts, policies }: Sallyport, tx: Tx) {
  const subject = await createUser(userOf(`user.${randomId(random)}@example.org`), { tx, clock, random })
  const secret = newTotpSecret(random)
  const now = clock.now()
  await tx.enrolments.insert({
    id: randomId(random),
    subjectId: subject.id,
    factor: 'totp',
    name: 'Phone',
    status: 'active',
    sealed: vault.seal({ subject: subject.id, purpose: 'totp', plaintext: secret }),
    settings: { ...defaultTotpSettings },
    createdAt: now,
    confirmedAt: now,
    revokedAt: null,
    lastUsedAt: null,
    expiresAt: null,
  })
  const started = await attempts.startIn(tx, { gate: 'login', purpose: 'sign-in', subject, policies })
  if (started.status !== 'pending') throw new Error(`the attempt is ${started.status}`)
  return { attempt: started.attempt, code: codeOf(secret, now) }
}

function userOf(email: string) {
  return { email, role: 'user', company: null, extension: undefined, emailVerified: true, actor: 'bench' }
}
