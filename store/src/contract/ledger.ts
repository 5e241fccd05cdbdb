import { type LedgerLinker, type LedgerRecord, SallyportError, type Store } from '@sallyport/core'
import { beforeEach, describe, expect, it } from 'vitest'
import type { Bench } from './bench.ts'
import { fakeLinker, record } from './samples.ts'

export function describeLedger({ fresh }: Bench): void {
  describe('the ledger', () => {
    let store: Store
    beforeEach(async () => {
      store = await fresh()
      store.attachLedger(fakeLinker)
    })

    const append = (...records: LedgerRecord[]) =>
      store.transaction(async ({ ledger }) => {
        for (const appended of records) ledger.append(appended)
      })

    it('has no head before the first entry, and the linker’s head after it', async () => {
      expect(await store.read(({ ledger }) => ledger.head())).toBeNull()
      expect(await store.read(({ ledger }) => ledger.entries(0, 10))).toEqual([])
      await append(record('one'))
      const head = { ledger: 'test', seq: 1, hash: 'hash 1', at: 5, signature: 'signed 1 hash 1' }
      expect(await store.read(({ ledger }) => ledger.head())).toEqual(head)
      const [entry] = await store.read(({ ledger }) => ledger.entries(0, 10))
      expect(entry).toEqual({
        seq: 1,
        hash: 'hash 1',
        body: JSON.stringify({ seq: 1, prev: 'genesis', ...record('one') }),
      })
    })

    it('counts the entries of a type between times', async () => {
      const records = [10, 20, 20, 35, 40].map((at, index) => record(index === 1 ? 'other' : 'one', { at }))
      await append(...records)
      const count = (times: number[]) => store.read(({ ledger }) => ledger.countFrom('one', times))
      expect(await count([0, 20, 30, 36])).toEqual([1, 1, 1, 1])
      expect(await count([36, 41])).toEqual([1, 0])
      expect(await count([])).toEqual([])
    })

    it('takes any subject and type, however long and odd, and finds it', async () => {
      const odd = ['nul\u0000', 'ü🗝'.repeat(2000), `${'ü🗝'.repeat(2000)}.`, '', "'; DROP TABLE ledger; --"]
      await append(...odd.map((text) => record(`type ${text}`, { subject: text })))
      await store.read(async ({ ledger }) => {
        for (const [index, text] of odd.entries()) {
          const seqs = [{ subject: text }, { type: `type ${text}` }].map(async (filter) =>
            (await ledger.entries(0, 10, filter)).map(({ seq }) => seq),
          )
          expect(await Promise.all(seqs)).toEqual([[index + 1], [index + 1]])
        }
      })
    })

    it('indexes what the entry says, not what was asked to be recorded', async () => {
      store.attachLedger({
        link: (head, records) =>
          fakeLinker.link(
            head,
            records.map((asked) => ({ ...asked, subject: 'cut', at: 7 })),
          ),
      })
      await append(record('long', { subject: 'cut off', at: 9 }))
      await store.read(async ({ ledger }) => {
        expect(await ledger.entries(0, 10, { subject: 'cut', until: 7 })).toHaveLength(1)
        expect(await ledger.entries(0, 10, { subject: 'cut off' })).toEqual([])
      })
    })

    it('takes a long row of records in one transaction', async () => {
      await append(...Array.from({ length: 100 }, (_, index) => record(`r${index}`)))
      const entries = await store.read(({ ledger }) => ledger.entries(0, 1000))
      expect(entries.map(({ body }) => JSON.parse(body).type)).toEqual(entries.map((_, index) => `r${index}`))
      expect(entries).toHaveLength(100)
    })

    it('records nothing of a transaction that rejects', async () => {
      const rejecting = store.transaction(async ({ ledger }) => {
        ledger.append(record('lost'))
        throw new Error('no')
      })
      const [, outcome] = await Promise.allSettled([append(record('kept')), rejecting])
      expect(outcome.status).toBe('rejected')
      const entries = await store.read(({ ledger }) => ledger.entries(0, 10))
      expect(entries.map(({ body }) => JSON.parse(body).type)).toEqual(['kept'])
    })

    it('writes nothing when the linker refuses the head, and works again when it no longer does', async () => {
      const refusing: LedgerLinker = {
        link() {
          throw new SallyportError('ledger_damaged', 'forged')
        },
      }
      store.attachLedger(refusing)
      const decision = () =>
        store.transaction(async ({ settings, ledger }) => {
          await settings.put('decision', 'made')
          ledger.append(record('decision'))
        })
      await expect(decision()).rejects.toMatchObject({ code: 'ledger_damaged' })
      expect(await store.read(({ settings }) => settings.find('decision'))).toBeNull()
      store.attachLedger(fakeLinker)
      await decision()
      expect((await store.read(({ ledger }) => ledger.head()))?.seq).toBe(1)
    })

    it('pages forwards and backwards, filtered', async () => {
      const types = ['a', 'b', 'a', 'b', 'a', 'b']
      await append(
        ...types.map((type, index) => record(type, { at: index * 10, subject: index < 3 ? 's' : null })),
      )
      const seqs = (entries: { seq: number }[]) => entries.map(({ seq }) => seq)
      await store.read(async ({ ledger }) => {
        expect(seqs(await ledger.entries(2, 2))).toEqual([3, 4])
        expect(seqs(await ledger.latest(null, 2))).toEqual([6, 5])
        expect(seqs(await ledger.latest(5, 2))).toEqual([4, 3])
        expect(seqs(await ledger.entries(0, 10, { type: 'a' }))).toEqual([1, 3, 5])
        expect(seqs(await ledger.latest(null, 10, { subject: 's' }))).toEqual([3, 2, 1])
        expect(seqs(await ledger.entries(0, 10, { since: 10, until: 30 }))).toEqual([2, 3, 4])
        expect(seqs(await ledger.latest(4, 10, { type: 'a', subject: 's', since: 0, until: 20 }))).toEqual([
          3, 1,
        ])
        expect(seqs(await ledger.entries(0, 10, { type: 'none' }))).toEqual([])
      })
    })

    it('keeps a head as checkpoint once', async () => {
      const keep = () => store.transaction(({ ledger }) => ledger.keepCheckpoint())
      expect(await keep()).toBeNull()
      await append(record('one'))
      const [first, again] = [await keep(), await keep()]
      expect(first).toEqual(await store.read(({ ledger }) => ledger.head()))
      expect(again).toBeNull()
      await append(record('two'))
      const second = await keep()
      await store.read(async ({ ledger }) => {
        expect(await ledger.checkpoints(0, 10)).toEqual([first, second])
        expect(await ledger.checkpoints(1, 10)).toEqual([second])
        expect(await ledger.checkpoints(0, 1)).toEqual([first])
      })
    })

    it('prunes through a kept checkpoint, which becomes the anchor', async () => {
      for (let round = 0; round < 3; round++) {
        await append(record('x'), record('y'))
        await store.transaction(({ ledger }) => ledger.keepCheckpoint())
      }
      const prune = (seq: number) => store.transaction(({ ledger }) => ledger.pruneThrough(seq))
      expect(await prune(3)).toBe(0)
      expect([await prune(4), await prune(4), await prune(2)]).toEqual([4, 0, 0])
      await append(record('z'))
      await store.read(async ({ ledger }) => {
        expect((await ledger.entries(0, 10)).map(({ seq }) => seq)).toEqual([5, 6, 7])
        expect((await ledger.checkpoints(0, 10)).map(({ seq }) => seq)).toEqual([4, 6])
        expect((await ledger.head())?.seq).toBe(7)
      })
    })
  })
}
