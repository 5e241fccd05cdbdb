import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Load, startLoad } from './support/load.ts'
import { type Answer, callerOf, makePhone, type Phone } from './support/people.ts'
import { startPostgres, type TestPostgres } from './support/postgres.ts'
import { type Installation, makeInstallation, type Node } from './support/serve.ts'

/** After an outage of the database the service is back within this time, by itself. */
const recovery = 5_000
/** What a node remembers of sessions is believed for this long without word from the database. */
const hearsay = 1_000
const password = 'correct horse battery staple'
const totp = { period: 15, window: 10 }
const guesses = 1_000_000

const config = {
  public_url: 'https://login.example.org',
  totp,
  // No lock falls, so that each answer is about the code.
  lockout: { attempts: guesses },
  security: { mfa: { backup_codes: 5 } },
}

describe('three nodes on one PostgreSQL', () => {
  let postgres: TestPostgres
  let installation: Installation
  let nodes: Node[]
  let key: string
  let token: string
  let load: Load
  const phones = new Map<string, Phone>()
  const call = callerOf(() => nodes[0]!.url)
  const api = (path: string, body: object) => call('POST', `/api/mfa/${path}`, { token: key, body })
  const now = () => performance.now()

  beforeAll(async () => {
    postgres = await startPostgres()
    installation = makeInstallation({ storeUrl: await postgres.url(), config })
    nodes = await installation.start(3)
    const scope = ['--scope', 'mfa:read,mfa:write', '--json']
    key = JSON.parse(await installation.run(['apikey', 'create', '--name', 'pbx', ...scope])).key
    const user = ['user', 'create', '--email', 'ada@example.org', '--role', 'user', '--password-stdin']
    await installation.run(user, password)
    const login = { email: 'ada@example.org', password }
    token = (await call('POST', '/auth/login', { body: login })).body.access_token
    for (let extension = 100; extension < 107; extension++) await addPhone(String(extension))
    const victim = phones.get('100')!
    phones.delete('100')
    const urls = nodes.map(({ url }) => url)
    load = startLoad({ urls, key, token, phones, victim: { extension: '100', phone: victim } })
    await load.servedBy([0, 1, 2], now(), recovery)
  })
  afterAll(async () => {
    await load?.stop()
    await Promise.all((nodes ?? []).map((node) => node.kill()))
    await postgres?.stop()
    installation?.remove()
  })

  async function beginEnrolment(extension: string): Promise<Phone> {
    const begun = await api('enroll', { extension })
    expect(begun.status).toBe(200)
    return makePhone(begun.body.secret, totp)
  }

  async function addPhone(extension: string): Promise<void> {
    const phone = await beginEnrolment(extension)
    const code = await phone.code()
    expect((await api('verify-enrollment', { extension, code })).body).toEqual({ success: true })
    phones.set(extension, phone)
  }

  it('answer 503 while the database is dead, believe nothing remembered, and come back with it', async () => {
    await postgres.kill()
    const killed = now()
    await sleep(hearsay + 200)
    for (const { url } of nodes) {
      expect((await call('GET', '/healthz', { url })).status).toBe(200)
      expectUnavailable(await call('GET', '/readyz', { url }), 'not_ready')
      const body = { email: 'ada@example.org', password }
      expectUnavailable(await call('POST', '/auth/login', { url, body }), 'store_unavailable')
      expectUnavailable(await call('GET', '/auth/me', { url, token }), 'store_unavailable')
    }
    await sleep(1_000)
    const restarting = now()
    await postgres.restart()
    await load.servedBy([0, 1, 2], now(), recovery)
    await load.round()
    const blind = load.answers.filter(
      ({ kind, began, ended }) => kind === 'session' && began > killed + hearsay && ended < restarting,
    )
    expect(new Set(blind.map(({ node }) => node))).toEqual(new Set([0, 1, 2]))
    expect(new Set(blind.map(({ status }) => status))).toEqual(new Set([503]))
    load.expectPromisesKept([0, 1, 2])
  })

  it('lets nobody in by memory while the database hangs, and go on when it does', async () => {
    await postgres.pause()
    const paused = now()
    await sleep(3_000)
    const resuming = now()
    await postgres.resume()
    await load.servedBy([0, 1, 2], now(), recovery)
    await load.round()
    const blind = load.answers.filter(
      ({ began, ended, status }) => status === 200 && began > paused + hearsay && ended < resuming,
    )
    expect(blind).toEqual([])
    load.expectPromisesKept([0, 1, 2])
  })

  it('go on without one of them that is killed', async () => {
    const before = load.answers.length
    await nodes[2]!.kill()
    const killed = now()
    await load.servedBy([0, 1], killed, 2_000)
    await sleep(1_000)
    await load.round()
    const since = load.answers.slice(before).filter(({ node }) => node !== 2)
    expect(since.filter(({ status }) => status === 0 || status === 503)).toEqual([])
    load.expectPromisesKept([0, 1])
  })

  it('finish what is in flight when they are told to stop', async () => {
    await load.stop()
    load.expectPromisesKept([0, 1])
    const [first] = nodes as [Node]
    const url = first.url
    const inFlight: Promise<Answer>[] = []
    for (const extension of ['201', '202', '203']) {
      const phone = await beginEnrolment(extension)
      // Hashes backup codes, slowly.
      const body = { extension, code: await phone.code() }
      inFlight.push(call('POST', '/api/mfa/verify-enrollment', { token: key, body, url }))
    }
    await sleep(400)
    const stopping = first.stop()
    await sleep(100)
    await expect(call('GET', '/healthz', { url })).rejects.toThrow()
    for (const answer of await Promise.all(inFlight)) {
      expect([answer.status, answer.body]).toEqual([200, { success: true }])
    }
    const { code, took } = await stopping
    expect(code).toBe(0)
    expect(took).toBeLessThan(10_000)
  })

  it('leave a ledger in which nothing was altered, and no unexpected error in their logs', async () => {
    expect(await installation.run(['ledger', 'verify'])).toMatch(/clean/)
    for (const node of nodes) expect(node.log()).not.toContain('unexpected error')
  })
})

function expectUnavailable(answer: Answer, code: string): void {
  expect([answer.status, answer.body.code]).toEqual([503, code])
  expect(answer.headers.get('content-type')).toBe('application/problem+json')
}
