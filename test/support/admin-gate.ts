import { mkdtempSync } from 'node:fs'
import { rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import {
  createApiKey,
  createLedgerLinker,
  createUser,
  generateLedgerKey,
  hashPassword,
  loadLedgerKey,
  namedSecret,
  newTotpSecret,
  openVault,
  randomId,
  readEntry,
  type Store,
  type Subject,
  storePassword,
  systemRandom,
} from '@sallyport/core'
import { createHttpGate } from '@sallyport/gate-http'
import { openStore } from '@sallyport/store'
import { loadConfig } from '../../cli/src/config.ts'
import { createServices, gateConfig } from '../../cli/src/services.ts'
import { codeOf, epoch } from './harness.ts'
import { password } from './login.ts'

export interface Answer {
  status: number
  headers: Headers
  // biome-ignore lint/suspicious/noExplicitAny: what came over the wire is what the tests look at
  body: any
  text: string
}

export type AdminGate = Awaited<ReturnType<typeof openAdminGate>>

/** Somebody who is signed in. */
export interface Signed {
  subject: Subject
  token: string
}

const random = systemRandom
let hashed: Promise<string> | undefined

/** The HTTP gate as the product wires it, on a port of the loopback, with a clock that the test turns. */
export async function openAdminGate(options: { config?: string; location?: string } = {}) {
  const data = mkdtempSync(join(tmpdir(), 'sallyport-admin-'))
  const clock = { at: epoch, now: () => clock.at }
  const location = options.location ?? join(data, 'sallyport.db')
  const store = await openStore({ location, clock })
  const vault = await openVault({
    ...{ store, masterKey: Buffer.alloc(32, 7), clock: { now: () => epoch }, random },
  })
  const make = () => generateLedgerKey(random)
  const key = loadLedgerKey(await namedSecret({ store, vault, name: 'ledger-signing-key', make }))
  const ledger = { ...key, id: 'test' }
  store.attachLedger(createLedgerLinker({ ...ledger, ledgerId: ledger.id, clock }))
  const config = loadConfig({
    ...(options.config === undefined ? {} : { file: options.config }),
    environment: {},
    flags: { data },
  })
  const log = { warn: () => undefined, error: (facts: object) => console.error(facts) }
  const foundation = { config, clock, random, store, vault, ledger, notices: [] }
  const services = createServices(foundation, log)
  // Letters stay where they wait: the tests open them there.
  const outbox = { ...services.outbox, kick: async () => undefined }

  /** A node: a gate of its own, with a memory of its own, on the same store. */
  async function startNode() {
    const parts = { ...foundation, ...services, outbox, readiness: {}, log }
    const gate = createHttpGate({ version: 'test', ...gateConfig(foundation) }, parts)
    const server = await gate.listen({ host: '127.0.0.1', port: 0 })

    async function call(method: string, path: string, more: { token?: string; body?: unknown } = {}) {
      const { token, body } = more
      const answer = await fetch(`${server.url}${path}`, {
        method,
        headers: {
          ...(token !== undefined && { authorization: `Bearer ${token}` }),
          ...(body !== undefined && { 'content-type': 'application/json' }),
        },
        ...(body !== undefined && { body: typeof body === 'string' ? body : JSON.stringify(body) }),
      })
      const text = await answer.text()
      const isJson = (answer.headers.get('content-type') ?? '').includes('json')
      const isOne = !(answer.headers.get('content-type') ?? '').includes('ndjson')
      const found: Answer = {
        ...{ status: answer.status, headers: answer.headers, text },
        body: isJson && isOne ? JSON.parse(text) : null,
      }
      return found
    }
    return { url: server.url, call, close: server.close }
  }
  const node = await startNode()
  const nodes = [node]
  const { call } = node

  async function addUser(more: Partial<Parameters<typeof createUser>[0]> = {}): Promise<Subject> {
    hashed ??= hashPassword(password, { scheme: 'argon2id', random })
    const plaintext = Buffer.from(await hashed)
    const email = more.email ?? `user.${randomId(random)}@example.org`
    const wanted = { email, role: 'user', company: null, emailVerified: true, actor: 'test', ...more }
    return store.transaction(async (tx) => {
      const subject = await createUser(wanted, { tx, clock, random })
      const sealed = vault.seal({ subject: subject.id, purpose: 'password', plaintext })
      await storePassword({ subject, sealed }, { tx, clock, random })
      return subject
    })
  }

  async function addPhone(subject: Subject) {
    const secret = newTotpSecret(random)
    const id = randomId(random)
    const settings = { algorithm: 'SHA1', digits: 6, period: 30 }
    await store.transaction((tx) =>
      tx.enrolments.insert({
        ...{ id, subjectId: subject.id, factor: 'totp', name: 'Phone', status: 'active', settings },
        sealed: vault.seal({ subject: subject.id, purpose: 'totp', plaintext: secret }),
        ...{ createdAt: clock.at, confirmedAt: clock.at, revokedAt: null, lastUsedAt: null, expiresAt: null },
      }),
    )
    return { id, code: () => codeOf(secret, clock.at) }
  }

  const login = (subject: Subject, secret = password) =>
    call('POST', '/auth/login', { body: { email: subject.email, password: secret } })

  /** A user with a password only, signed in. */
  async function signIn(more: Parameters<typeof addUser>[0] = {}): Promise<Signed> {
    const subject = await addUser(more)
    const { body } = await login(subject)
    return { subject, token: body.access_token }
  }

  /** An administrator with a phone, who proved it just now. */
  async function signInAdmin() {
    const subject = await addUser({ role: 'admin' })
    const phone = await addPhone(subject)
    const begun = await login(subject)
    const body = { temp_token: begun.body.temp_token, code: phone.code() }
    const done = await call('POST', '/auth/mfa/verify', { body })
    return { subject, phone, token: done.body.access_token as string }
  }

  async function ledgerOf(filter: { type?: string; subject?: string } = {}) {
    const entries = await store.read((tx) => tx.ledger.entries(0, 100_000, filter))
    return entries.map(readEntry)
  }

  /** An application's key to the service API. */
  function addKey(application: string) {
    const wanted = { application, name: 'test', scopes: ['mfa:read', 'mfa:write'] as const }
    return store.transaction((tx) =>
      createApiKey({ ...wanted, issuer: 'Test', actor: 'test' }, { tx, clock, random }),
    )
  }

  /** The letters that wait, opened. */
  async function letters() {
    const rows = await store.transaction((tx) => tx.outbox.claim(clock.at, clock.at + 1, 100))
    const open = async ({ sealed }: (typeof rows)[number]) => {
      const bytes = await vault.open({ subject: 'outbox', purpose: 'letter', sealed })
      return JSON.parse(Buffer.from(bytes).toString()) as {
        to: string
        kind: string
        facts: Record<string, string>
      }
    }
    return Promise.all(rows.map(open))
  }

  return {
    ...{ store: store as Store, vault, clock, services, config, call, url: node.url },
    ...{ addUser, addPhone, login, signIn, signInAdmin, ledgerOf, letters, addKey },
    async addNode() {
      const added = await startNode()
      nodes.push(added)
      return added
    },
    async close() {
      for (const each of nodes) await each.close()
      await store.close()
      vault.destroy()
      await rm(data, { recursive: true, force: true })
    },
  }
}
