import { newShipperState, type SiemEvent, type Store, spoolEvents, type Tx } from '@sallyport/core'
import { beforeEach, describe, expect, it } from 'vitest'
import type { Bench } from './bench.ts'

function event(id: string, more: Partial<SiemEvent> = {}): SiemEvent {
  return {
    ...{ id, at: 5, type: 'failed_auth', severity: 'low', address: null, subject: null, details: {} },
    ...more,
  }
}

export function describeSpool({ fresh, pair }: Bench): void {
  describe('the spool', () => {
    let store: Store
    beforeEach(async () => {
      store = await fresh()
    })
    const add = (of: Pick<Store, 'transaction'>, events: SiemEvent[], mostEvents = 100) =>
      of.transaction((tx) => spoolEvents(tx, events, { mostEvents }))
    const waiting = (lane: 'alert' | 'event') =>
      store.read(async (tx) => (await tx.spool.first(lane, 1_000)).map((row) => row.event))

    it('gives back what was put in, in order, alerts apart', async () => {
      const odd = event('odd \u0000 🗝', {
        details: { text: '\u0000\u2028', list: ['a'], deep: { n: 1 } },
      })
      await add(store, [odd, event('alert', { severity: 'critical' }), event('second')])
      expect(await waiting('event')).toEqual([odd, event('second')])
      await add(store, [event('x'.repeat(1_000_000), { details: { huge: 'y'.repeat(1_000_000) } })])
      expect(JSON.stringify((await waiting('event'))[2]).length).toBeLessThan(3_000)
      expect(await waiting('alert')).toEqual([event('alert', { severity: 'critical' })])
      const count = (tx: Tx) => Promise.all([tx.spool.count('event'), tx.spool.span('event')])
      expect(await store.read(count)).toEqual([3, 4])
    })

    it('keeps nothing of a transaction that rejects', async () => {
      const rejecting = store.transaction(async (tx) => {
        await spoolEvents(tx, [event('lost')], { mostEvents: 9 })
        throw new TypeError('no')
      })
      await expect(rejecting).rejects.toThrow('no')
      expect(await waiting('event')).toEqual([])
    })

    it('drops the oldest at the cap, with one entry for all of them; alerts never', async () => {
      const ids = Array.from({ length: 12 }, (_, index) => `e${index}`)
      for (const [index, id] of ids.entries()) {
        await add(store, [event(id, { at: index }), event(`a${index}`, { severity: 'high' })], 4)
      }
      const [gap, ...rest] = await waiting('event')
      expect(rest.map(({ id }) => id)).toEqual(['e9', 'e10', 'e11'])
      expect(gap).toMatchObject({
        ...{ id: 'gap:e0..e8', type: 'siem.gap', severity: 'medium' },
        details: { count: 9, first: 'e0', last: 'e8', first_at: 0, last_at: 8 },
      })
      expect(await waiting('alert')).toHaveLength(12)
      expect((await store.read((tx) => tx.spool.shipper())).dropped).toBe(9)
    })

    it('lets nobody take away what came into the place of another', async () => {
      await add(store, [event('one'), event('two')])
      const [, two] = await store.read((tx) => tx.spool.first('event', 2))
      await add(store, [event('three')], 2)
      expect(await store.transaction((tx) => tx.spool.remove(two!))).toBe(false)
      expect((await waiting('event')).map(({ id }) => id)).toEqual(['gap:one..two', 'three'])
    })

    it('counts each dropped event once when nodes add at the same time', async () => {
      const nodes = await pair()
      const adding = Array.from({ length: 60 }, (_, index) =>
        add(nodes[index % 2]!, [event(`e${index}`)], 10),
      )
      await Promise.all(adding)
      const rows = await nodes[0].read((tx) => tx.spool.first('event', 1_000))
      const gaps = rows.filter((row) => row.event.type === 'siem.gap')
      const gone = gaps.reduce((sum, row) => sum + (row.event.details.count as number), 0)
      expect(rows.length - gaps.length + gone).toBe(60)
      expect(rows.length).toBeLessThanOrEqual(11)
    })

    it('lets one ship at a time, until its time is over or its clock is absurd', async () => {
      const claim = (holder: string, now: number) =>
        store.transaction((tx) => tx.spool.claim(holder, { now, until: now + 10, absurd: now + 20 }))
      expect([await claim('a', 100), await claim('b', 105), await claim('a', 105)]).toEqual([
        true,
        false,
        true,
      ])
      expect([await claim('b', 114), await claim('b', 115), await claim('a', 116)]).toEqual([
        false,
        true,
        false,
      ])
      // The clock was set back since `b` took it until 125.
      expect([await claim('a', 105), await claim('a', 104)]).toEqual([false, true])
    })

    it('takes the state from whoever ships, and from nobody else', async () => {
      const state = { ...newShipperState, sent: 7, through: { alerts: 1, entries: 2, checkpoints: 3 } }
      await store.transaction(async ({ spool }) => {
        expect(await spool.shipper()).toEqual({ ...newShipperState, dropped: 0 })
        expect(await spool.save('a', state)).toBe(false)
        await spool.claim('a', { now: 1, until: 2, absurd: 3 })
        expect(await spool.save('a', state)).toBe(true)
        expect(await spool.save('b', newShipperState)).toBe(false)
        expect(await spool.shipper()).toEqual({ ...state, dropped: 0 })
      })
    })
  })
}
