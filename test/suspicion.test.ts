import { request } from 'node:http'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { databases, type Place } from './support/databases.ts'
import { openServiceGate, type ServiceGate } from './support/service-gate.ts'

describe.each(databases)('suspicious requests on $database', ({ open }) => {
  let place: Place
  let gate: ServiceGate
  let reader: string
  let writer: string
  beforeAll(async () => {
    place = await open()
    gate = await openServiceGate({ location: place.location })
    reader = (await gate.addKey('reader', ['security:read'])).key
    writer = (await gate.addKey('writer', ['security:read', 'security:write'])).key
  })
  afterAll(async () => {
    await gate.close()
    await place.remove()
  })

  const asked = {
    ip_address: '203.0.113.9',
    user_agent: 'Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0',
    method: 'GET',
    path: '/search',
    query: 'q=shoes',
  }

  async function analyze(key: string, body: object) {
    const response = await fetch(`${gate.url}/api/security/analyze`, {
      method: 'POST',
      headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json' },
      body: JSON.stringify(body),
    })
    return { status: response.status, body: (await response.json()) as Record<string, unknown> }
  }

  /** As a client sends it: `fetch` would tidy the path. */
  function get(path: string, headers: Record<string, string> = {}): Promise<number> {
    return new Promise((resolve, reject) => {
      const { port } = new URL(gate.url)
      const call = request({ host: '127.0.0.1', port, path, headers }, (response) => {
        response.resume().on('end', () => resolve(response.statusCode!))
      })
      call.on('error', reject).end()
    })
  }

  it('are judged for an application, which hears what was found', async () => {
    expect(await analyze(reader, asked)).toEqual({
      status: 200,
      body: { score: 0, categories: {}, patterns: [], action: 'allow' },
    })
    const attacks = [
      [{ query: "id=1' or '1'='1" }, 'sqli'],
      [{ query: { id: "1' or '1'='1" } }, 'sqli'],
      [{ path: '/a?x=<script>alert(1)</script>', query: null }, 'xss'],
      [{ body: { text: '../../../etc/passwd' } }, 'traversal'],
      [{ body: 'cmd=%3Bcat%20/etc/passwd' }, 'command'],
      [{ user_agent: 'sqlmap/1.8' }, 'scanner'],
    ] as const
    for (const [more, category] of attacks) {
      const { body } = await analyze(reader, { ...asked, ...more })
      expect([category, Object.keys(body.categories as object)]).toEqual([
        category,
        expect.arrayContaining([category]),
      ])
      expect(body.action).not.toBe('allow')
    }
  })

  it('are held against the address asked about, by a key that may write; never against the one that asks', async () => {
    gate.reports.length = 0
    const attack = { ...asked, user_agent: 'nikto' }
    await analyze(reader, attack)
    expect(gate.reports).toEqual([])
    for (let index = 0; index < 5; index++) await analyze(writer, attack)
    await gate.suspicion.settled()
    expect(gate.reports).toHaveLength(5)
    expect(gate.reports[0]).toMatchObject({
      type: 'suspicious_pattern',
      address: '203.0.113.9',
      application: 'writer',
    })
    expect(gate.offences.splice(0)).toEqual([{ address: '203.0.113.9', reason: '5 suspicious requests' }])
  })

  it('are asked about with an address, and a key', async () => {
    expect((await analyze(reader, { ...asked, ip_address: 'nowhere' })).status).toBe(400)
    expect((await analyze(reader, { ...asked, extra: 1 })).status).toBe(400)
    expect((await analyze('spk_wrong', asked)).status).toBe(401)
    const { key } = await gate.addKey('other', ['mfa:read'])
    expect((await analyze(key, asked)).status).toBe(403)
  })

  it('to the gate itself are seen, whatever is served there, and block at the fifth, also in parallel', async () => {
    gate.reports.length = 0
    const statuses = await Promise.all([
      get('/.git/config'),
      get('/../../../../etc/passwd'),
      get('/healthz?x=%3Cscript%3E'),
      get('/healthz', { 'user-agent': 'Nuclei - Open-source project' }),
      get("/auth/me?id=1'+or+'1'='1"),
    ])
    expect(statuses).toEqual([404, 404, 200, 200, 401])
    await gate.suspicion.settled()
    expect(gate.reports).toHaveLength(5)
    expect(gate.offences.splice(0)).toEqual([{ address: '127.0.0.1', reason: '5 suspicious requests' }])
  })

  it('that a page elsewhere makes browsers send are refused, and not held against who looks at that page', async () => {
    const attack = "/?id=1'+or+'1'='1"
    const image = { 'sec-fetch-site': 'cross-site', 'sec-fetch-mode': 'no-cors', 'sec-fetch-dest': 'image' }
    const link = { ...image, 'sec-fetch-mode': 'navigate', 'sec-fetch-dest': 'document' }
    const frame = { ...link, 'sec-fetch-dest': 'iframe' }
    gate.reports.length = 0
    for (const headers of [image, frame, link]) {
      for (let index = 0; index < 3; index++) expect(await get(attack, headers)).toBe(403)
    }
    expect([await get('/healthz', image), await get('/healthz', frame), await get('/healthz', link)]).toEqual(
      [403, 403, 200],
    )
    gate.clock.at += 60_000
    for (let index = 0; index < 130; index++) await get('/healthz', image)
    await gate.suspicion.settled()
    expect([gate.reports.length, gate.offences]).toEqual([9, []])
    // No browser sends this: its sender says so to be spared.
    const bearer = { ...image, authorization: 'Bearer x' }
    for (let index = 0; index < 5; index++) await get(attack, bearer)
    await gate.suspicion.settled()
    expect(gate.offences.splice(0)).toHaveLength(1)
  })

  it('and wrong codes that an application passes on are not held against it', async () => {
    gate.reports.length = 0
    const { key } = await gate.addKey('passing on', ['mfa:read', 'mfa:write'])
    const authorization = `Bearer ${key}`
    const typed = encodeURIComponent("1' or '1'='1")
    for (let index = 0; index < 5; index++) await get(`/api/mfa/status/${typed}`, { authorization })
    gate.clock.at += 60_000
    for (let index = 0; index < 130; index++) {
      const { status } = await fetch(`${gate.url}/api/mfa/verify`, {
        method: 'POST',
        headers: { authorization, 'content-type': 'application/json' },
        body: '{"extension":"nobody","code":"000000"}',
      })
      expect(status).toBe(401)
    }
    await gate.suspicion.settled()
    expect([gate.reports.length, gate.offences]).toEqual([5, []])
  })

  it('are one hit each, wherever the signs are, and no secret is looked at', async () => {
    gate.reports.length = 0
    const login = (body: object, path = '/auth/login') =>
      fetch(`${gate.url}${path}`, {
        method: 'POST',
        headers: { 'content-type': 'application/json', 'user-agent': 'test' },
        body: JSON.stringify(body),
      })
    await login({ email: `x' or '1'='1`, password: 1 }, '/auth/login?x=<script>')
    expect(gate.reports.splice(0)).toHaveLength(1)
    await login({ email: `x' or '1'='1`, password: 1 })
    expect(gate.reports.splice(0)).toHaveLength(1)
    await login({ email: 1, password: `x' or '1'='1` })
    expect(gate.reports).toEqual([])
  })

  it('are those that come too fast as well, once a span', async () => {
    gate.reports.length = 0
    gate.clock.at += 60_000
    for (let index = 0; index < 130; index++) await get('/healthz')
    expect(gate.reports.map(({ details }) => details.patterns)).toEqual([['rapid-requests']])
    await gate.suspicion.settled()
  })
})
