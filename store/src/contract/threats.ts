import type { Block, Store, ThreatReport } from '@sallyport/core'
import { beforeAll, describe, expect, it } from 'vitest'
import type { Bench } from './bench.ts'
import { fakeLinker } from './samples.ts'

const hour = 3_600_000
const noon = Date.UTC(2026, 10, 9, 12)

function report(type: string, more: Partial<ThreatReport> = {}): ThreatReport {
  const rest = { address: '198.51.100.1', subject: null, application: null, details: { reason: 'code' } }
  return { at: noon, type, severity: 'low', ...rest, ...more }
}

function block(id: string, range: string, more: Partial<Block> = {}): Block {
  const rest = { reason: 'scans', by: 'cli', blockedAt: noon, blockedUntil: noon + hour }
  return { id, range, kind: 'manual', ...rest, unblockedAt: null, autoUnblocked: false, ...more }
}

/** Threat events, blocks and failed sign-ins. */
export function describeThreats(bench: Bench): void {
  let store: Store
  let other: Store
  beforeAll(async () => {
    ;[store, other] = await bench.pair()
    for (const node of [store, other]) node.attachLedger(fakeLinker)
  })

  it('numbers events in the order of their commits, without gaps, on however many nodes', async () => {
    const append = (node: Store) => node.transaction((tx) => tx.threats.append([report('a'), report('b')]))
    await Promise.all(Array.from({ length: 10 }, (_, index) => append(index % 2 ? store : other)))
    const events = await store.read((tx) => tx.threats.after(0, 100))
    expect(events.map(({ id }) => id)).toEqual(Array.from({ length: 20 }, (_, index) => index + 1))
    expect(await store.read((tx) => tx.threats.last())).toBe(20)
    expect(events[0]).toEqual({ id: 1, ...report('a') })
    expect((await store.read((tx) => tx.threats.after(18, 1))).map(({ id }) => id)).toEqual([19])
  })

  it('finds events by what they say, newest first', async () => {
    const special = report('rare', {
      ...{ severity: 'critical', subject: 's-1', application: 'pbx', at: noon + 5 },
      address: '2001:db8::5',
    })
    await store.transaction((tx) => tx.threats.append([special]))
    const find = (filter: object) => store.read((tx) => tx.threats.latest(null, 9, filter))
    for (const filter of [
      { type: 'rare' },
      { severity: 'critical' },
      { subject: 's-1' },
      { application: 'pbx' },
      { since: noon + 1 },
      { address: '2001:db8:0::77' },
    ])
      expect(await find(filter), JSON.stringify(filter)).toMatchObject([special])
    expect(await find({ until: noon - 1 })).toEqual([])
    const [newest] = await find({})
    const before = await store.read((tx) => tx.threats.latest(newest!.id, 1))
    expect(before.map(({ id }) => id)).toEqual([newest!.id - 1])
  })

  it('sums up by the hour, by type and by address, and forgets what is old', async () => {
    const early = noon + 48 * hour
    const reports = [
      report('failed_auth', { at: early }),
      report('failed_auth', { at: early + hour }),
      report('failed_auth', { at: early + hour + 1, address: '203.0.113.7' }),
      report('ip_blocked', { at: early + hour, address: '203.0.113.0/24' }),
      report('ip_blocked', { at: early + hour, address: null }),
    ]
    await store.transaction((tx) => tx.threats.append(reports))
    const summary = await store.read((tx) => tx.threats.summary({ from: early, to: early + hour }))
    expect(summary).toEqual({
      total: 5,
      byType: { failed_auth: 3, ip_blocked: 2 },
      hours: [
        { at: early, total: 1, byType: { failed_auth: 1 } },
        { at: early + hour, total: 4, byType: { failed_auth: 2, ip_blocked: 2 } },
      ],
      addresses: [
        { address: '198.51.100.1', count: 2 },
        { address: '203.0.113.0/24', count: 1 },
        { address: '203.0.113.7', count: 1 },
      ],
    })
    const counts = (since: number) => store.read((tx) => tx.threats.countAt('198.51.100.1', since))
    expect(await counts(early + 1)).toEqual({ failed_auth: 1 })
    expect(await counts(early + 9 * hour)).toEqual({})
    const prune = () => store.transaction((tx) => tx.threats.prune(early, 15))
    expect([await prune(), await prune(), await prune()]).toEqual([15, 6, 0])
    expect((await store.read((tx) => tx.threats.summary({ from: 0, to: early }))).total).toBe(1)
  })

  it('keeps one block of a kind in force against a range, and tells of every change in order', async () => {
    const start = await store.read((tx) => tx.blocks.revision())
    const insert = (one: Block) => store.transaction((tx) => tx.blocks.insert(one))
    await insert(block('b-1', '203.0.113.0/24'))
    await expect(insert(block('b-2', '203.0.113.0/24'))).rejects.toMatchObject({ code: 'store_conflict' })
    await insert(block('b-3', '203.0.113.0/24', { kind: 'automatic' }))
    const changes = (from: number, inForce = false) =>
      other.read((tx) => tx.blocks.changedAfter(from, 10, inForce))
    const first = await changes(start)
    expect(first.blocks).toEqual([
      block('b-1', '203.0.113.0/24'),
      block('b-3', '203.0.113.0/24', { kind: 'automatic' }),
    ])
    await store.transaction(async (tx) => {
      const change = { reason: 'more', by: 'cli', blockedAt: noon + 1, blockedUntil: noon + 2 * hour }
      expect(await tx.blocks.change('b-1', change)).toBe(true)
      expect(await tx.blocks.end('b-3', noon + 9, true)).toBe(true)
      expect([await tx.blocks.end('b-3', noon, false), await tx.blocks.change('b-3', change)]).toEqual([
        false,
        false,
      ])
    })
    const then = await changes(first.revision)
    expect(then.blocks.map(({ id }) => id)).toEqual(['b-1', 'b-3'])
    expect(then.blocks[1]).toMatchObject({ unblockedAt: noon + 9, autoUnblocked: true })
    expect((await changes(0, true)).blocks.map(({ id }) => id)).toEqual(['b-1'])
    expect((await changes(then.revision)).blocks).toEqual([])
  })

  it('lists blocks newest first, finds what covers an address, what is due, and repeat offenders', async () => {
    await store.transaction(async (tx) => {
      await tx.blocks.insert(block('c-1', '10.0.0.0/8', { blockedAt: noon + 10 }))
      await tx.blocks.insert(
        block('c-2', '10.9.9.9', { blockedAt: noon + 11, blockedUntil: noon + 3 * hour }),
      )
      for (const [id, more] of [
        ['d-1', { unblockedAt: noon, autoUnblocked: true }],
        ['d-2', { unblockedAt: noon, autoUnblocked: false }],
        ['d-3', {}],
      ] as const)
        await tx.blocks.insert(block(id, '198.18.0.1', { kind: 'automatic', ...more }))
    })
    await store.read(async ({ blocks }) => {
      const first = await blocks.list({ limit: 2 })
      const second = await blocks.list({ limit: 2, after: first.next })
      expect([...first.items, ...second.items].map(({ id }) => id)).toEqual(['c-2', 'c-1', 'b-1', 'd-3'])
      const late = await blocks.list({ limit: 9, inForceAt: noon + 2 * hour })
      expect(late.items.map(({ id }) => id)).toEqual(['c-2'])
      const covering = await blocks.covering(['10.9.9.9', '10.0.0.0/8', '0.0.0.0/0'], noon)
      expect(covering.map(({ id }) => id)).toEqual(['c-2', 'c-1'])
      expect(await blocks.countAutomatic('198.18.0.1', noon)).toBe(2)
      expect(await blocks.countAutomatic('198.18.0.1', noon + 1)).toBe(0)
      const due = await blocks.due(noon + hour, noon + hour, 9)
      expect(due.map(({ id }) => id).sort()).toEqual(['c-1', 'd-3'])
      expect((await blocks.due(noon - 1, noon + 10, 9)).map(({ id }) => id)).toEqual(['c-2'])
    })
    expect(await store.transaction((tx) => tx.blocks.prune(noon + 10, 9))).toBe(3)
  })

  it('counts the failures of a network one by one, however many nodes count', async () => {
    const fail = (node: Store, who: string) =>
      node.transaction(async (tx) => {
        const failures = await tx.failures.lock('198.51.100.9')
        await tx.failures.save('198.51.100.9', [...failures, { who, at: noon }], noon)
      })
    await Promise.all(Array.from({ length: 12 }, (_, index) => fail(index % 2 ? store : other, `${index}`)))
    const found = await store.read((tx) => tx.failures.find('198.51.100.9'))
    expect(found.map(({ who }) => Number(who)).sort((a, b) => a - b)).toEqual([...Array(12).keys()])
    await store.transaction((tx) => tx.failures.save('203.0.113.1', [{ who: 'x', at: noon + 9 }], noon + 9))
    const since = (at: number, after = '') => store.read((tx) => tx.failures.since(at, after, 9))
    expect(await since(noon)).toEqual([
      { network: '198.51.100.9', count: 12, at: noon },
      { network: '203.0.113.1', count: 1, at: noon + 9 },
    ])
    expect(await since(noon, '198.51.100.9')).toHaveLength(1)
    expect(await since(noon + 10)).toEqual([])
    await store.transaction(async (tx) => {
      await tx.failures.save('203.0.113.1', [], noon)
      expect(await tx.failures.find('203.0.113.1')).toEqual([])
      expect(await tx.failures.prune(noon, 9)).toBe(0)
      expect(await tx.failures.prune(noon + 1, 9)).toBe(1)
    })
  })

  describe('announcements', () => {
    it('cost nothing where nobody listens, and stop when they are told to', async () => {
      const stop = store.onAnnouncement(() => undefined)
      await other.announce()
      await stop()
    })
  })
}
