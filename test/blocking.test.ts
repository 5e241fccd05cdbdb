import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { createApiKey, systemRandom } from '@sallyport/core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type AdminGate, openAdminGate } from './support/admin-gate.ts'
import { makeDirectory } from './support/cli.ts'
import { type CallOptions, callerOf } from './support/people.ts'

const minute = 60_000
const hour = 60 * minute
const config = `
trusted_proxies: [127.0.0.1]
lockout: { attempts: 1000000 }
passwords: { guesses: { attempts: 1000000 }, guesses_per_address: { attempts: 1000000 } }
security: { threat_detection: { allow_list: [192.0.2.0/24] } }
`

const directory = makeDirectory()
let gate: AdminGate
let key: string
let admin: { token: string }
let lastHost = 0
const call = callerOf(() => gate.url)

/** An address nobody came from before. */
const newAddress = () => `198.18.${++lastHost >> 8}.${lastHost & 255}`
const from = (address: string, more: CallOptions = {}) => ({
  ...more,
  headers: { 'x-forwarded-for': address, ...more.headers },
})
const security = (method: string, path: string, body?: object) =>
  call(method, `/api/security/${path}`, { token: key, ...(body && { body }) })
const check = async (address: string) =>
  (await security('GET', `check-ip/${encodeURIComponent(address)}`)).body
const guess = (address: string, email = 'nobody@example.org', password = 'wrong') =>
  call('POST', '/auth/login', from(address, { body: { email, password } }))
const guesses = async (address: string, count: number, email?: string) => {
  for (let i = 0; i < count; i++) expect((await guess(address, email)).status).toBe(401)
}
const right = 'correct horse battery staple'

beforeAll(async () => {
  const file = join(directory.path, 'sallyport.yaml')
  writeFileSync(file, config)
  gate = await openAdminGate({ config: file })
  const wanted = { application: 'pbx', name: 'test', scopes: ['admin' as const], issuer: 'x', actor: 'test' }
  const made = await gate.store.transaction((tx) =>
    createApiKey(wanted, { tx, clock: gate.clock, random: systemRandom }),
  )
  key = made.key
  admin = await gate.signInAdmin()
})
afterAll(async () => {
  await gate.close()
  directory.remove()
})

describe('ten failed sign-ins in an hour', () => {
  it('keep an address from signing in for an hour to the moment, and leave others alone', async () => {
    const [attacker, neighbour] = [newAddress(), newAddress()]
    await guesses(attacker, 9)
    expect(await check(attacker)).toMatchObject({ is_blocked: false, threat_score: 45 })
    await guesses(attacker, 1)
    const refused = await guess(attacker, (await gate.addUser()).email!, right)
    expect([refused.status, refused.body.code]).toEqual([403, 'ip_blocked'])
    expect(refused.headers.get('retry-after')).toBe('3600')
    expect(await check(attacker)).toMatchObject({ is_blocked: true, kind: 'automatic' })
    await guesses(neighbour, 1)
    gate.clock.at += hour - 1
    expect((await guess(attacker)).status).toBe(403)
    gate.clock.at += 1
    expect((await guess(attacker)).status).toBe(401)
    await gate.services.blocks.refresh()
    const { items } = (await security('GET', 'blocks?limit=500')).body
    const ended = items.find((one: { ip_address: string }) => one.ip_address === attacker)
    expect(ended).toMatchObject({ auto_unblocked: true, unblocked_at: ended.blocked_until })
    const types = (await gate.ledgerOf())
      .filter(({ data }) => data?.range === attacker)
      .map(({ type }) => type)
    expect(types).toEqual(['address.blocked', 'address.unblocked'])
  })

  it('count once a minute as well as all at once, and no longer than the hour', async () => {
    const [slow, fast] = [newAddress(), newAddress()]
    for (let i = 0; i < 12; i++) {
      await guesses(slow, 1)
      gate.clock.at += 7 * minute
    }
    const answers = await Promise.all(Array.from({ length: 20 }, () => guess(fast)))
    expect(answers.filter(({ status }) => status === 401).length).toBeGreaterThanOrEqual(10)
    expect((await check(fast)).is_blocked).toBe(true)
    const blocks = (await security('GET', 'blocks?limit=500')).body.items
    expect(blocks.filter((one: { ip_address: string }) => one.ip_address === fast)).toHaveLength(1)
  })

  it('block for longer each time, but for what a person lifted', async () => {
    const address = newAddress()
    const lengths = []
    for (let i = 0; i < 4; i++) {
      await guesses(address, 10)
      const { blocked_until: until } = await check(address)
      lengths.push((Date.parse(until) - gate.clock.at) / hour)
      if (i === 1) expect((await security('POST', 'unblock-ip', { ip_address: address })).status).toBe(200)
      else gate.clock.at = Date.parse(until)
    }
    expect(lengths).toEqual([1, 2, 2, 4])
  })

  it("are forgiven by that subject's success, and by no one else's", async () => {
    const address = newAddress()
    const [victim, sprayer] = [await gate.addUser(), await gate.addUser()]
    await guesses(address, 9, victim.email!)
    expect((await guess(address, sprayer.email!, right)).status).toBe(200)
    expect((await check(address)).threat_score).toBe(45)
    expect((await guess(address, victim.email!, right)).status).toBe(200)
    expect((await check(address)).threat_score).toBe(0)
    await guesses(address, 9, victim.email!)
    expect((await check(address)).is_blocked).toBe(false)
  })

  it('leave sessions, step-up and API keys from that address alone', async () => {
    const address = newAddress()
    const { token } = await gate.signIn()
    await guesses(address, 10)
    expect((await call('GET', '/auth/me', from(address, { token }))).status).toBe(200)
    expect((await call('GET', '/api/mfa/status/1', from(address, { token: key }))).status).toBe(200)
    const { phone, token: own } = await gate.signInAdmin()
    gate.clock.at += minute
    const begun = await call('POST', '/auth/step-up', from(address, { token: own }))
    const body = { temp_token: begun.body.temp_token, code: phone.code() }
    expect((await call('POST', '/auth/mfa/verify', from(address, { body }))).status).toBe(200)
    const lift = { token: own, body: { ip_address: address } }
    expect((await call('POST', '/api/security/unblock-ip', from(address, lift))).status).toBe(200)
  })

  it('count against the person that an application names, and never against the application', async () => {
    const [socket, person] = [newAddress(), newAddress()]
    const verify = (client_ip?: string) => {
      const body = { extension: '1001', code: '000000', ...(client_ip !== undefined && { client_ip }) }
      return call('POST', '/api/mfa/verify', from(socket, { token: key, body }))
    }
    for (let i = 0; i < 10; i++) expect((await verify(person)).status).toBe(401)
    expect((await verify(person)).body.code).toBe('ip_blocked')
    expect((await verify(newAddress())).status).toBe(401)
    for (let i = 0; i < 12; i++) expect((await verify()).status).toBe(401)
    expect((await check(socket)).is_blocked).toBe(false)
  })
})

describe('an address in many spellings', () => {
  it('of one /64 is one, however many hosts there are', async () => {
    for (let host = 1; host <= 10; host++) await guesses(`2001:db8:77:1:${host}::${host}`, 1)
    expect((await guess('2001:db8:77:1:ffff::1')).status).toBe(403)
    expect((await guess('2001:db8:77:2::1')).status).toBe(401)
  })

  it('that is mapped into IPv6 is the IPv4 address', async () => {
    const [one, two] = [newAddress(), newAddress()]
    await guesses(`::ffff:${one}`, 10)
    expect((await guess(one)).status).toBe(403)
    expect((await guess(`::ffff:${two}`)).status).toBe(401)
  })
})

describe('forwarding headers', () => {
  it('that a client forged neither hide it nor get another address blocked', async () => {
    const [attacker, victim] = [newAddress(), newAddress()]
    for (let i = 0; i < 10; i++) await guesses(`${victim}, 127.0.0.1, ${newAddress()}, ${attacker}`, 1)
    expect((await check(attacker)).is_blocked).toBe(true)
    expect((await check(victim)).is_blocked).toBe(false)
    expect((await check('127.0.0.1')).is_blocked).toBe(false)
  })

  it('of RFC 7239 are read as well, where the other is missing', async () => {
    const address = newAddress()
    const headers = { forwarded: `for=203.0.113.77, for="${address}:4711";proto=https` }
    const body = { email: 'nobody@example.org', password: 'wrong' }
    for (let i = 0; i < 10; i++) await call('POST', '/auth/login', { headers, body })
    expect((await check(address)).is_blocked).toBe(true)
    expect((await check('203.0.113.77')).is_blocked).toBe(false)
  })

  it.each(['127.0.0.1', '192.0.2.7', 'unknown', '::1'])('that say %s block nobody', async (address) => {
    await guesses(address, 12)
  })
})

describe("a person's block", () => {
  it('refuses everything on every surface, and ends at the moment that was set', async () => {
    const address = newAddress()
    const { token } = await gate.signIn()
    const me = () => call('GET', '/auth/me', from(address, { token }))
    expect([(await me()).status, (await me()).status]).toEqual([200, 200])
    const body = { ip_address: `${address}/31`, reason: 'scans', duration: 7200 }
    const made = await security('POST', 'block-ip', body)
    expect(made.body).toMatchObject({ success: true, kind: 'manual', reason: 'scans', unblocked_at: null })
    expect(Date.parse(made.body.blocked_until) - gate.clock.at).toBe(2 * hour)
    for (const path of [
      '/auth/me',
      '/',
      '/docs',
      '/docs.css',
      '/healthz',
      '/metrics',
      '/nothing',
      '/api/mfa/status/1',
    ]) {
      const refused = await call('GET', path, from(address, { token }))
      expect([path, refused.status, refused.body.code]).toEqual([path, 403, 'ip_blocked'])
      expect(refused.headers.get('retry-after')).toBe('7200')
    }
    gate.clock.at += 2 * hour
    // The token is over by now; the address is not refused any more.
    expect((await me()).body.code).toBe('invalid_token')
  })

  it('is lifted by the range that was blocked, and tells which one an address lies in', async () => {
    const lift = (ip_address: string) => security('POST', 'unblock-ip', { ip_address })
    await security('POST', 'block-ip', { ip_address: '203.0.113.99/24', reason: 'x', duration: 60 })
    const within = await lift('203.0.113.5')
    expect([within.status, within.body.detail]).toEqual([404, expect.stringContaining('203.0.113.0/24')])
    expect((await check('203.0.113.5')).is_blocked).toBe(true)
    expect((await lift('203.0.113.0/24')).body).toMatchObject({ success: true, ip_address: '203.0.113.0/24' })
    expect((await lift('203.0.113.0/24')).status).toBe(404)
    expect((await check('203.0.113.5')).is_blocked).toBe(false)
  })

  it.each(['127.0.0.1', '::1', '127.0.0.0/8', '192.0.2.4', '192.0.2.0/25'])(
    'of %s is refused, with what to do',
    async (ip_address) => {
      const { status, body } = await security('POST', 'block-ip', { ip_address, reason: 'x', duration: 60 })
      expect([status, body.code]).toEqual([400, 'invalid_input'])
      expect(body.errors[0]).toMatchObject({
        path: 'ip_address',
        message: expect.stringContaining('allow_list'),
      })
    },
  )

  it.each(['', '1.2.3', '1.2.3.4/33', 'example.org', '2001:db8::/129', `1.2.3.4${'0'.repeat(70)}`])(
    'of %j is refused as no address',
    async (ip_address) => {
      const body = { ip_address, reason: 'x', duration: 60 }
      expect((await security('POST', 'block-ip', body)).body.code).toBe('invalid_input')
    },
  )

  it('lasts its own length from now when the clock was set back', async () => {
    const address = newAddress()
    await security('POST', 'block-ip', { ip_address: address, reason: 'x', duration: 600 })
    gate.clock.at -= 24 * hour
    await gate.services.blocks.refresh()
    const { blocked_until: until } = await check(address)
    expect(Date.parse(until) - gate.clock.at).toBe(600_000)
    gate.clock.at += 24 * hour
  })

  it('needs a key with the scope, or an administrator with fresh proof', async () => {
    const body = { ip_address: newAddress(), reason: 'x', duration: 60 }
    const stale = await gate.signInAdmin()
    expect((await call('POST', '/api/security/block-ip', { token: stale.token, body })).status).toBe(200)
    gate.clock.at += 6 * minute
    const again = await call('POST', '/api/security/block-ip', { token: stale.token, body })
    expect(again.body.code).toBe('step_up_required')
    expect((await call('GET', '/api/security/blocks', { token: stale.token })).status).toBe(200)
    const user = await gate.signIn()
    expect((await call('GET', '/api/security/blocks', { token: user.token })).status).toBe(403)
    expect((await call('GET', '/api/security/blocks')).status).toBe(401)
    expect(admin.token).not.toBe(stale.token)
  })
})

describe('what happened', () => {
  it('is summed up, listed page by page, and shown to applications without the subjects of others', async () => {
    const address = newAddress()
    const victim = await gate.addUser()
    const before = (await security('GET', 'threat-summary?hours=1')).body
    await guesses(address, 10, victim.email!)
    const after = (await security('GET', 'threat-summary?hours=1')).body
    expect(after.failed_auths - before.failed_auths).toBe(10)
    expect(after.blocked_ips - before.blocked_ips).toBe(1)
    expect(after.total_events - before.total_events).toBeGreaterThanOrEqual(11)
    expect(after.top_ips).toContainEqual({ ip_address: address, events: 11, spared: null })
    const list = (query: string, token = key) =>
      call('GET', `/api/security/events?ip_address=${address}${query}`, { token })
    const first = (await list('&limit=6')).body
    const second = (await list(`&limit=6&after=${first.next}`)).body
    const all = [...first.items, ...second.items]
    expect(all.map(({ type }) => type).filter((type) => type === 'failed_auth')).toHaveLength(10)
    expect(second.next).toBeNull()
    expect(all.every(({ subject }) => subject === null)).toBe(true)
    const { token } = await gate.signInAdmin()
    const seen = (await list(`&subject=${victim.id}`, token)).body.items
    expect(seen).toHaveLength(10)
    expect(seen[0]).toMatchObject({ severity: 'low', ip_address: address, application: 'login' })
    expect((await list(`&subject=${victim.id}`)).body.items).toEqual([])
  })

  it('is streamed as it happens, and from where a reader left off', async () => {
    const accept = { accept: 'text/event-stream' }
    const open = (headers: object) =>
      fetch(`${gate.url}/api/security/events/stream`, {
        headers: { authorization: `Bearer ${key}`, ...headers },
      })
    expect((await open({})).status).toBe(400)
    const [newest] = (await security('GET', 'events?limit=1')).body.items
    const live = await open(accept)
    expect(live.headers.get('content-type')).toBe('text/event-stream')
    const address = newAddress()
    await guesses(address, 2)
    const told = await readEvents(live, 2)
    expect(told.map(({ data }) => [data.type, data.ip_address])).toEqual([
      ['failed_auth', address],
      ['failed_auth', address],
    ])
    expect(told[0]!.id).toBe(newest.id + 1)
    const again = await open({ ...accept, 'last-event-id': String(told[0]!.id) })
    expect(await readEvents(again, 1)).toEqual([told[1]])
  })

  it('is streamed to ten of one key at most, none of them held by a HEAD', async () => {
    const wanted = {
      application: 'pbx',
      name: 'hoards',
      scopes: ['security:read' as const],
      issuer: 'x',
      actor: 'x',
    }
    const hoarder = await gate.store.transaction((tx) =>
      createApiKey(wanted, { tx, clock: gate.clock, random: systemRandom }),
    )
    const open = (token: string, method = 'GET') =>
      fetch(`${gate.url}/api/security/events/stream`, {
        method,
        headers: { authorization: `Bearer ${token}`, accept: 'text/event-stream' },
      })
    for (let index = 0; index < 11; index++) expect((await open(hoarder.key, 'HEAD')).status).toBe(200)
    const streams = []
    for (let index = 0; index < 11; index++) streams.push(await open(hoarder.key))
    expect(streams.map(({ status }) => status)).toEqual([...Array(10).fill(200), 429])
    const other = await open(key)
    expect(other.status).toBe(200)
    for (const stream of [...streams, other]) await stream.body!.cancel()
  })

  it('is streamed to nobody whose key was revoked since', async () => {
    const { clock } = gate
    const wanted = {
      application: 'pbx',
      name: 'leaves',
      scopes: ['security:read' as const],
      issuer: 'x',
      actor: 'x',
    }
    const reader = await gate.store.transaction((tx) =>
      createApiKey(wanted, { tx, clock, random: systemRandom }),
    )
    const live = await fetch(`${gate.url}/api/security/events/stream`, {
      headers: { authorization: `Bearer ${reader.key}`, accept: 'text/event-stream' },
    })
    await gate.store.transaction((tx) => tx.apiKeys.revoke(reader.record.id, clock.now()))
    await guesses(newAddress(), 1)
    expect(await live.text()).not.toContain('data:')
  })
})

/** The first events of a stream; then it is left. */
async function readEvents(response: Response, count: number) {
  const reader = response.body!.pipeThrough(new TextDecoderStream()).getReader()
  let text = ''
  for (;;) {
    const found = [...text.matchAll(/^id: (\d+)\ndata: (.*)\n\n/gm)]
    if (found.length >= count) {
      await reader.cancel()
      return found.slice(0, count).map(([, id, data]) => ({ id: Number(id), data: JSON.parse(data!) }))
    }
    const { value, done } = await reader.read()
    if (done) throw new Error(`the stream ended after ${text}`)
    text += value
  }
}
