import type { Store, Tx } from '@sallyport/core'
import { beforeAll, describe, expect, it } from 'vitest'
import type { Bench } from './bench.ts'
import {
  addSubject,
  attempt,
  challenge,
  enrolment,
  fakeLinker,
  none,
  outboxRow,
  record,
  refreshToken,
  session,
  subject,
  ticket,
  validationClient,
  winners,
  yubikey,
} from './samples.ts'

export function describeRaces({ pair }: Bench): void {
  describe('64 callers on two nodes', () => {
    let stores: [Store, Store]
    beforeAll(async () => {
      stores = await pair()
      for (const store of stores) store.attachLedger(fakeLinker)
      await stores[0].transaction(async (tx) => {
        await addSubject(tx, 's')
        for (let index = 0; index < 64; index++) await addSubject(tx, `t-${index}`)
        await tx.attempts.insert(attempt('raced'))
        await tx.enrolments.insert(enrolment('raced', 's'))
        await tx.enrolments.insert(enrolment('revoked', 's', { status: 'active' }))
        await tx.enrolments.insert(enrolment('locked', 's', { status: 'active' }))
        await tx.sessions.insert(session('raced', 's', { kind: 'enrolling' }))
        await tx.refreshTokens.insert(refreshToken('raced', 'raced'))
        await tx.tickets.insert(ticket('raced'))
        await tx.challenges.open(challenge('raced', 's'))
        await tx.challenges.open(challenge('tried', 's', { factor: 'webauthn', triesLeft: 7 }))
        await tx.outbox.insert(outboxRow('raced'))
        await tx.companies.insert({ name: 'raced', createdAt: 1 })
        await tx.yubikeys.insert(yubikey('gone'))
        await tx.secrets.insert('raced', { keyId: 'old', bytes: Uint8Array.of(1) })
        await tx.vaultKeys.insert({ id: 'v', wrapped: null, status: 'active', createdAt: 1, retiredAt: null })
      })
    })

    const races: [string, (tx: Tx, index: number) => Promise<boolean>][] = [
      ['spend', ({ once }) => once.spend('raced')],
      ['raise', ({ once }) => once.raise('raced', 5)],
      [
        'replace',
        ({ attempts }, index) => attempts.replace(attempt('raced', { revision: 2, cursor: index })),
      ],
      ['activate', ({ enrolments }) => enrolments.activate('raced', 5, { sealed: null, settings: {} })],
      ['revoke', ({ enrolments }) => enrolments.revoke('revoked', 5)],
      ['lock', ({ enrolments }) => enrolments.lock('locked', 5)],
      [
        'claim a credential',
        ({ credentials }) => credentials.insert({ application: 'shop', id: 'raced', enrolmentId: 'locked' }),
      ],
      [
        'take an alias',
        ({ subjects }, index) => subjects.insert(subject(`s-${index}`), [`x-${index}`, 'raced']),
      ],
      ['add an alias', ({ subjects }, index) => subjects.addAlias(`t-${index}`, 'raced too')],
      ['redeem', async ({ tickets }) => (await tickets.redeem('raced', 'invitation', 20)) !== null],
      ['use a refresh token', ({ refreshTokens }) => refreshTokens.use('raced', 20)],
      ['promote', ({ sessions }) => sessions.promote('raced')],
      ['end a challenge', ({ challenges }) => challenges.end('raced', 20)],
      ['revoke a session', ({ sessions }) => sessions.revoke('raced', 20)],
      ['claim', async ({ outbox }) => (await outbox.claim(20, 500, 9)).length === 1],
      ['send', ({ outbox }) => outbox.remove('raced')],
      ['remove a company', ({ companies }) => companies.remove('raced')],
      ['import a key', ({ yubikeys }) => yubikeys.insert(yubikey('raced'))],
      ['remove a key', ({ yubikeys }) => yubikeys.remove('gone')],
      ['take a client’s id', ({ validationClients }) => validationClients.insert(validationClient('raced'))],
      ['take a setting', ({ settings }, index) => settings.insert('raced', String(index))],
      ['re-seal', ({ secrets }) => secrets.reseal('raced', 'old', { keyId: 'new', bytes: Uint8Array.of(2) })],
      ['change a key’s status', ({ vaultKeys }) => vaultKeys.setStatus('v', 'active', 'retiring', 5)],
    ]
    it.each(races)('%s: exactly one succeeds', async (_, race) => {
      const call = (index: number) => stores[index % 2]!.transaction((tx) => race(tx, index))
      expect(await winners(64, call)).toBe(1)
    })

    const inTurn = <T>(index: number, work: (tx: Tx) => Promise<T>) => stores[index % 2]!.transaction(work)

    it('takes as many tries as there are', async () => {
      const take = (index: number) => inTurn(index, ({ challenges }) => challenges.takeTry('tried'))
      expect(await winners(64, take)).toBe(7)
    })

    it('leaves one challenge open of all that were opened', async () => {
      await stores[0].transaction((tx) => addSubject(tx, 'opener'))
      const open = (index: number) =>
        inTurn(index, async ({ challenges }) => {
          await challenges.open(challenge(`opened-${index}`, 'opener'))
          return true
        })
      expect(await winners(64, open)).toBe(64)
      const ended = (index: number) =>
        inTurn(index, ({ challenges }) => challenges.end(`opened-${index}`, 20))
      expect(await stores[0].read((tx) => tx.challenges.countSince('opener', 'email', 0))).toBe(64)
      expect(await stores[0].read((tx) => tx.challenges.live('opener', 'email', 20))).not.toBeNull()
      expect(await winners(64, ended)).toBe(1)
    })

    it('claims each letter for one caller, and no more than asked for', async () => {
      await stores[0].transaction(async ({ outbox }) => {
        for (let index = 0; index < 100; index++) await outbox.insert(outboxRow(`many-${index}`))
      })
      const claims = await Promise.all(
        Array.from({ length: 64 }, (_, index) => inTurn(index, ({ outbox }) => outbox.claim(20, 500, 3))),
      )
      expect(Math.max(...claims.map((rows) => rows.length))).toBe(3)
      const claimed = claims.flat().map(({ id }) => id)
      const rest = await inTurn(0, ({ outbox }) => outbox.claim(20, 500, 100))
      const all = [...claimed, ...rest.map(({ id }) => id)]
      expect([all.length, new Set(all).size]).toEqual([100, 100])
      expect(claimed.length).toBeGreaterThan(50)
    })

    it('lets no attempt of the subject get away', async () => {
      const first = attempt('advancing', { subjectId: 'leaving' })
      await stores[0].transaction(({ attempts }) => attempts.insert(first))
      const advance = () =>
        stores[0].transaction(async ({ attempts }) => {
          const stored = (await attempts.find('advancing'))!
          if (stored.status !== 'pending') return false
          return attempts.replace({ ...stored, revision: stored.revision + 1, cursor: stored.cursor + 1 })
        })
      const refuse = () => stores[1].transaction(({ attempts }) => attempts.refuseAll('leaving'))
      const [refused] = await Promise.all([refuse(), ...Array.from({ length: 20 }, advance)])
      expect(refused).toBe(1)
      expect((await stores[0].read((tx) => tx.attempts.find('advancing')))?.status).toBe('refused')
    })

    it('counts every guess, the very first ones of a subject too', async () => {
      const guess = (index: number) =>
        stores[index % 2]!.transaction(async ({ guesses }) => {
          const stored = (await guesses.lock('raced')) ?? none
          await guesses.save('raced', { ...stored, inRow: stored.inRow + 1 })
          return true
        })
      await winners(64, guess)
      expect((await stores[0].read(({ guesses }) => guesses.find('raced')))?.inRow).toBe(64)
    })

    it('lets one caller at a time past the lock, also while others clear the record', async () => {
      let inside = 0
      let most = 0
      const guess = (index: number) =>
        stores[index % 2]!.transaction(async ({ guesses }) => {
          const stored = await guesses.lock('cleared')
          most = Math.max(most, ++inside)
          if (stored) await guesses.clear('cleared')
          else await guesses.save('cleared', { ...none, inRow: 1 })
          inside--
          return true
        })
      await winners(64, guess)
      expect(most).toBe(1)
    })

    it('loses no setting that two uses remember at once', async () => {
      await stores[0].transaction((tx) =>
        tx.enrolments.insert(enrolment('merged', 's', { status: 'active', settings: {} })),
      )
      const touch = (index: number) =>
        stores[index % 2]!.transaction(({ enrolments }) =>
          enrolments.touch('merged', index, { [`use${index}`]: index }),
        )
      expect(await winners(64, touch)).toBe(64)
      const merged = await stores[1].read(({ enrolments }) => enrolments.find('merged'))
      expect(Object.keys(merged!.settings)).toHaveLength(64)
    })

    it('links the records of both into one unbroken chain', async () => {
      const appendTwo = (index: number) =>
        stores[index % 2]!.transaction(async ({ ledger }) => {
          ledger.append(record('first', { subject: `s-${index}` }))
          ledger.append(record('second', { subject: `s-${index}` }))
          return true
        })
      await winners(64, appendTwo)
      const entries = await stores[0].read(({ ledger }) => ledger.entries(0, 1000))
      expect(entries.map(({ seq }) => seq)).toEqual(Array.from({ length: 128 }, (_, index) => index + 1))
      let prev = 'genesis'
      for (const [index, entry] of entries.entries()) {
        const body = JSON.parse(entry.body)
        expect([body.prev, body.type]).toEqual([prev, index % 2 === 0 ? 'first' : 'second'])
        prev = entry.hash
      }
      expect((await stores[1].read(({ ledger }) => ledger.head()))?.hash).toBe(prev)
    })
  })
}
