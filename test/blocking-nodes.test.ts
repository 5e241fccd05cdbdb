import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Answer, callerOf } from './support/people.ts'
import { startPostgres, type TestPostgres } from './support/postgres.ts'
import { type Installation, makeInstallation, type Node } from './support/serve.ts'

const config = {
  trusted_proxies: ['127.0.0.1'],
  lockout: { attempts: 1_000_000 },
  log: { level: 'warn' },
}
const promised = 1_000

/** Node after node of one installation: the first of them answers where none is named. */
function describeInstallation(nodes: () => Node[]) {
  const call = callerOf(() => nodes()[0]!.url)
  let key = ''
  const verify = (client_ip: string, url?: string): Promise<Answer> => {
    const body = { extension: '1001', code: '000000', client_ip }
    return call('POST', '/api/mfa/verify', { token: key, body, ...(url !== undefined && { url }) })
  }
  return {
    call,
    verify,
    async makeKey(installation: Installation) {
      const words = ['apikey', 'create', '--name', 'pbx', '--scope', 'admin', '--json']
      key = JSON.parse(await installation.run(words)).key
    },
    status: async (address: string, url: string) =>
      (await call('GET', '/', { url, headers: { 'x-forwarded-for': address } })).status,
  }
}

describe('three nodes on one PostgreSQL', () => {
  let postgres: TestPostgres
  let installation: Installation
  let nodes: Node[]
  const { call, verify, status, makeKey } = describeInstallation(() => nodes)

  beforeAll(async () => {
    postgres = await startPostgres()
    installation = makeInstallation({ storeUrl: await postgres.url(), config })
    nodes = await installation.start(3)
    await makeKey(installation)
  })
  afterAll(async () => {
    await Promise.all((nodes ?? []).map((node) => node.kill()))
    await postgres?.stop()
    installation?.remove()
  })

  const everywhere = async (address: string) => Promise.all(nodes.map(({ url }) => status(address, url)))

  it('count failures together, and all hold what one of them blocked', async () => {
    const address = '198.51.100.1'
    for (let i = 0; i < 9; i++) expect((await verify(address, nodes[i % 3]!.url)).status).toBe(401)
    expect((await verify(address, nodes[0]!.url)).status).toBe(401)
    await sleep(promised)
    for (const { url } of nodes) expect((await verify(address, url)).body.code).toBe('ip_blocked')
  })

  it("hold a person's block within a second, and let it go as soon", async () => {
    await installation.run(['block', '203.0.113.0/24', '--for', '2h', '--reason', 'scans'])
    await sleep(promised)
    expect(await everywhere('203.0.113.9')).toEqual([403, 403, 403])
    expect(await everywhere('203.0.112.9')).toEqual([200, 200, 200])
    await installation.run(['unblock', '203.0.113.0/24'])
    await sleep(promised)
    expect(await everywhere('203.0.113.9')).toEqual([200, 200, 200])
  })

  it('hear of blocks again once a dead database is back, and keep those they know meanwhile', async () => {
    await installation.run(['block', '203.0.113.1'])
    await sleep(promised)
    await postgres.kill()
    expect(await everywhere('203.0.113.1')).toEqual([403, 403, 403])
    await postgres.restart()
    await expect.poll(async () => (await call('GET', '/readyz')).status, { timeout: 10_000 }).toBe(200)
    await installation.run(['block', '203.0.113.2'])
    await expect.poll(() => everywhere('203.0.113.2'), { timeout: 10_000 }).toEqual([403, 403, 403])
    for (const node of nodes) expect(node.log()).not.toContain('unexpected error')
  })
})

describe('one node on SQLite', () => {
  let installation: Installation
  let nodes: Node[] = []
  const { call, verify, status, makeKey } = describeInstallation(() => nodes)

  beforeAll(async () => {
    installation = makeInstallation({ config })
    nodes = await installation.start(1)
    await makeKey(installation)
  })
  afterAll(async () => {
    await Promise.all(nodes.map((node) => node.kill()))
    installation.remove()
  })

  it('keeps counters and blocks over a stop, and after it was killed', async () => {
    for (let i = 0; i < 9; i++) expect((await verify('198.51.100.1')).status).toBe(401)
    expect((await nodes[0]!.stop()).code).toBe(0)
    nodes = await installation.start(1)
    expect((await verify('198.51.100.1')).status).toBe(401)
    expect((await verify('198.51.100.1')).body.code).toBe('ip_blocked')
    await nodes[0]!.kill()
    nodes = await installation.start(1)
    expect((await verify('198.51.100.1')).body.code).toBe('ip_blocked')
    const { blocks } = JSON.parse(await installation.run(['blocked', '--json']))
    expect(blocks).toMatchObject([{ ip_address: '198.51.100.1', kind: 'automatic', blocked_by: 'guard' }])
  })

  it('hears of what the command line did beside it, and a clean stop loses no event', async () => {
    const said = await installation.run(['block', '2001:db8::7', '--for', '90m', '--reason', 'scans'])
    expect(said).toMatch(/blocked 2001:db8::\/64 until 20/)
    await sleep(promised)
    expect(await status('2001:db8::9', nodes[0]!.url)).toBe(403)
    expect(await installation.run(['blocked'])).toContain('2001:db8::/64')
    for (let i = 0; i < 5; i++) await verify('192.0.2.9')
    await nodes[0]!.stop()
    nodes = await installation.start(1)
    const words = ['apikey', 'create', '--name', 'x', '--scope', 'security:read', '--json']
    const token = JSON.parse(await installation.run(words)).key
    const { body } = await call('GET', '/api/security/events?ip_address=192.0.2.9', { token })
    expect(body.items).toHaveLength(5)
  })

  it('says what is wrong with a block that cannot be made, and tells of a proxy that is not trusted', async () => {
    for (const [words, message] of [
      [['block', '127.0.0.1'], /never blocked/],
      [['block', '1.2.3.4', '--for', 'soon'], /--for/],
      [['block', 'here'], /address/],
      [['unblock', '1.2.3.4'], /not blocked/],
    ] as const)
      await expect(installation.run(words)).rejects.toThrow(message)
    installation.configure({ log: { level: 'warn' } })
    await nodes[0]!.stop()
    nodes = await installation.start(1)
    await call('GET', '/', { headers: { 'x-forwarded-for': '198.51.100.7' } })
    await expect.poll(() => nodes[0]!.log()).toContain('trusted_proxies')
    await expect.poll(() => installation.run(['doctor']), { timeout: 10_000 }).toMatch(/proxies +requests/)
  })
})
