import { decodeSecret, type Subject } from '@sallyport/core'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { databases, type Place } from './support/databases.ts'
import { codeOf, epoch, type Harness, openHarness } from './support/harness.ts'

const minute = 60_000
const step = 30_000

describe.each(databases)('enrolments on $database', ({ open }) => {
  let place: Place
  let harness: Harness
  /** Another node on the same database. */
  let node: Harness
  let subject: Subject

  beforeAll(async () => {
    place = await open()
    harness = await openHarness({ location: place.location })
    node = await openHarness({ location: place.location })
  }, 120_000)

  afterAll(async () => {
    await node?.close()
    await harness?.close()
    await place?.remove()
  })

  beforeEach(async () => {
    harness.clock.at = epoch
    subject = await harness.addSubject()
  })

  async function begin(on = harness) {
    const begun = await on.enrolments.beginTotp({ subject, issuer: 'Test', account: 'ann', name: 'Phone' })
    const secret = decodeSecret(begun.secret)
    return { ...begun, id: begun.enrolment.id, code: (at = harness.clock.at) => codeOf(secret, at) }
  }

  const confirm = (code: unknown, enrolmentId?: string, on = harness) =>
    on.enrolments.confirmTotp({ subject, code, ...(enrolmentId !== undefined && { enrolmentId }) })

  const list = (filter: { status?: 'pending' | 'active'; factor?: 'totp' | 'backup' } = {}) =>
    harness.store.read((tx) => tx.enrolments.listBySubject(subject.id, filter))

  describe('confirming', () => {
    it('makes the authenticator and its backup codes usable, not before', async () => {
      const begun = await begin()
      expect(begun.backupCodes).toHaveLength(10)
      expect(await list({ status: 'active' })).toEqual([])
      expect(await harness.enrolments.backupCodesLeft(subject.id)).toBe(0)
      await expect(harness.begin(subject)).rejects.toThrow('denied')

      expect(await confirm(begun.code())).toMatchObject({ status: 'confirmed', enrolment: { id: begun.id } })
      expect(await harness.enrolments.backupCodesLeft(subject.id)).toBe(10)
      for (const code of [begun.backupCodes![3]!.toLowerCase(), begun.code(epoch + step)]) {
        expect(await harness.verifyOnce(subject, code)).toMatchObject({ status: 'complete' })
      }
      expect(await harness.enrolments.backupCodesLeft(subject.id)).toBe(9)
    })

    it('uses its code up, for sign-ins too', async () => {
      const begun = await begin()
      expect(await confirm(begun.code())).toMatchObject({ status: 'confirmed' })
      expect(await confirm(begun.code())).toEqual({ status: 'nothing_pending' })
      expect(await harness.verifyOnce(subject, begun.code())).toMatchObject({ status: 'rejected' })
      expect(await harness.verifyOnce(subject, begun.code(epoch - step))).toMatchObject({
        status: 'rejected',
      })
    })

    it('happens once, however many try at once on two nodes', async () => {
      for (let round = 0; round < 10; round++) {
        subject = await harness.addSubject()
        const begun = await begin()
        const codes = [begun.code(), begun.code(epoch + step), begun.code(), begun.code(epoch - step)]
        const tries = codes.map((code, index) => confirm(code, begun.id, index % 2 ? node : harness))
        const confirmed = (await Promise.all(tries)).filter(({ status }) => status === 'confirmed')
        expect(confirmed, `round ${round}`).toHaveLength(1)
        expect(await list({ status: 'active' }), `round ${round}`).toHaveLength(2)
      }
    })

    it('is for ten minutes', async () => {
      const begun = await begin()
      harness.clock.at = epoch + 10 * minute
      expect(await confirm(begun.code())).toEqual({ status: 'nothing_pending' })
      harness.clock.at--
      expect(await confirm(begun.code())).toMatchObject({ status: 'confirmed' })
    })

    it('takes the newest, or the one that is named', async () => {
      const older = await begin()
      harness.clock.at += 1
      const newer = await begin()
      expect(await confirm(older.code())).toEqual({ status: 'rejected' })
      expect(await confirm(older.code(), older.id)).toMatchObject({ enrolment: { id: older.id } })
      expect(await confirm(newer.code())).toMatchObject({ enrolment: { id: newer.id } })
    })

    it("knows nobody else's enrolments, and nothing of the wrong type", async () => {
      const begun = await begin()
      const other = await harness.addSubject()
      const theirs = harness.enrolments.confirmTotp({
        subject: other,
        enrolmentId: begun.id,
        code: begun.code(),
      })
      expect(await theirs).toEqual({ status: 'nothing_pending' })
      for (const id of ['', 'x'.repeat(1 << 20), 7, {}, [begun.id]]) {
        expect(await confirm(begun.code(), id as string)).toEqual({ status: 'nothing_pending' })
      }
      expect(await harness.enrolments.revoke({ subject: other, enrolmentId: begun.id })).toBe(false)
      const [waiting] = await list({ status: 'pending', factor: 'backup' })
      expect(await confirm(begun.backupCodes![0], waiting!.id)).toEqual({ status: 'nothing_pending' })
      expect(await confirm(begun.code())).toMatchObject({ status: 'confirmed' })
    })

    it('has a budget of five guesses, of its own', async () => {
      const begun = await begin()
      const guesses = ['', null, 123456, ['123456'], { code: begun.code() }]
      for (const guess of guesses) expect(await confirm(guess)).toEqual({ status: 'rejected' })
      expect(await confirm(begun.code())).toEqual({ status: 'locked', until: epoch + minute })
      expect(await harness.guesses(subject)).toBe(null)
      harness.clock.at += minute
      expect(await confirm(begun.code())).toMatchObject({ status: 'confirmed' })
      const types = await harness.ledgerTypes(subject)
      expect(types.filter((type) => type === 'enrolment.rejected')).toHaveLength(5)
    })

    it('judges no more guesses when they come at once', async () => {
      const begun = await begin()
      const guesses = Array.from({ length: 20 }, (_, index) =>
        confirm('000000x', begun.id, index % 2 ? node : harness),
      )
      const tally = Object.groupBy(await Promise.all(guesses), ({ status }) => status)
      expect([tally.rejected?.length, tally.locked?.length]).toEqual([5, 15])
    })
  })

  describe('a second authenticator', () => {
    it('brings no backup codes, and voids none', async () => {
      const first = await begin()
      await confirm(first.code())
      const second = await begin()
      expect(second.backupCodes).toBe(null)
      expect(await confirm(second.code())).toMatchObject({ status: 'confirmed' })
      expect(await harness.verifyOnce(subject, first.backupCodes![0])).toMatchObject({ status: 'complete' })
    })

    it('overwrites no active secret, before or after it is confirmed', async () => {
      const first = await begin()
      await confirm(first.code())
      const sealed = async () => (await list({ status: 'active' })).find(({ id }) => id === first.id)?.sealed
      const before = await sealed()
      const second = await begin()
      expect(await harness.verifyOnce(subject, first.code(epoch + step))).toMatchObject({
        status: 'complete',
      })
      expect(await harness.verifyOnce(subject, second.code())).toMatchObject({ status: 'rejected' })
      await confirm(second.code())
      expect(await sealed()).toEqual(before)
      harness.clock.at += 10 * step
      expect(await harness.verifyOnce(subject, first.code())).toMatchObject({ status: 'complete' })
      expect(await harness.verifyOnce(subject, second.code())).toMatchObject({ status: 'complete' })
    })

    it('that is confirmed at the same moment leaves one set of codes, on two nodes', async () => {
      for (let round = 0; round < 10; round++) {
        subject = await harness.addSubject()
        const [one, two] = [await begin(), await begin(node)]
        const outcomes = await Promise.all([confirm(one.code(), one.id), confirm(two.code(), two.id, node)])
        expect(
          outcomes.map(({ status }) => status),
          `round ${round}`,
        ).toEqual(['confirmed', 'confirmed'])
        const sets = await list({ factor: 'backup' })
        expect(sets.map(({ status }) => status).sort(), `round ${round}`).toEqual(['active', 'revoked'])
        const codes = await Promise.all(
          [one, two].map(({ backupCodes }) => harness.verifyOnce(subject, backupCodes![0])),
        )
        expect(
          codes.filter(({ status }) => status === 'complete'),
          `round ${round}`,
        ).toHaveLength(1)
      }
    })
  })

  describe('pending enrolments', () => {
    it('are never more than five, the newest ones, also when they are begun at once', async () => {
      const begun = []
      for (let index = 0; index < 8; index++) {
        harness.clock.at += 1
        begun.push(await begin())
      }
      await Promise.all(Array.from({ length: 8 }, (_, index) => begin(index % 2 ? node : harness)))
      expect(await list({ status: 'pending', factor: 'totp' })).toHaveLength(5)
      expect(await list({ status: 'pending', factor: 'backup' })).toHaveLength(5)
      expect(await confirm(begun[0]!.code(), begun[0]!.id)).toEqual({ status: 'nothing_pending' })
    })

    it('leave no codes behind when they are revoked or run out', async () => {
      const revoked = await begin()
      expect(await harness.enrolments.revoke({ subject, enrolmentId: revoked.id })).toBe(true)
      expect(await confirm(revoked.code())).toEqual({ status: 'nothing_pending' })
      await begin()
      expect(await list({ status: 'pending' })).toHaveLength(2)
      harness.clock.at += 10 * minute
      await begin()
      expect(await list({ status: 'pending' })).toHaveLength(2)
      const sealed = (await list()).filter((enrolment) => enrolment.sealed !== null)
      expect(sealed).toHaveLength(2)
    })
  })

  describe('regenerated backup codes', () => {
    it('void the old ones, used or not', async () => {
      const old = await harness.enrolments.regenerateBackupCodes(subject)
      expect(await harness.verifyOnce(subject, old[0])).toMatchObject({ status: 'complete' })
      const fresh = await harness.enrolments.regenerateBackupCodes(subject)
      expect(await harness.enrolments.backupCodesLeft(subject.id)).toBe(10)
      expect(await harness.verifyOnce(subject, old[1])).toMatchObject({ status: 'rejected' })
      expect(await harness.verifyOnce(subject, old[0])).toMatchObject({ status: 'rejected' })
      for (const [used, code] of fresh.entries()) {
        expect(await harness.verifyOnce(subject, code)).toMatchObject({ status: 'complete' })
        expect(await harness.enrolments.backupCodesLeft(subject.id)).toBe(9 - used)
      }
      expect(await harness.verifyOnce(subject, fresh[9])).toMatchObject({ status: 'rejected' })
    })

    it('void one another when they are made at once, on two nodes', async () => {
      for (let round = 0; round < 10; round++) {
        subject = await harness.addSubject()
        const made = await Promise.all(
          [harness, node].map(({ enrolments }) => enrolments.regenerateBackupCodes(subject)),
        )
        expect(await list({ status: 'active' }), `round ${round}`).toHaveLength(1)
        const tried = await Promise.all(made.map(([code]) => harness.verifyOnce(subject, code)))
        const statuses = tried.map(({ status }) => status).sort()
        expect(statuses, `round ${round}`).toEqual(['complete', 'rejected'])
      }
    })

    it('replace those of an enrolment that is still pending', async () => {
      const begun = await begin()
      const codes = await harness.enrolments.regenerateBackupCodes(subject)
      expect(await confirm(begun.code())).toMatchObject({ status: 'confirmed' })
      expect(await harness.verifyOnce(subject, begun.backupCodes![0])).toMatchObject({ status: 'rejected' })
      expect(await harness.verifyOnce(subject, codes[0])).toMatchObject({ status: 'complete' })
    })
  })

  it('is for good when it is revoked, and its secret is gone', async () => {
    const begun = await begin()
    await confirm(begun.code())
    expect(await harness.enrolments.revoke({ subject, enrolmentId: begun.id })).toBe(true)
    expect(await harness.enrolments.revoke({ subject, enrolmentId: begun.id })).toBe(false)
    const row = await harness.store.read((tx) => tx.enrolments.find(begun.id))
    expect(row).toMatchObject({ status: 'revoked', sealed: null, revokedAt: epoch })
    expect(await harness.verifyOnce(subject, begun.code(epoch + step))).toMatchObject({ status: 'rejected' })
  })

  it('that was begun as the first, without proof, is never a second one, also on two nodes at once', async () => {
    const beginFirst = async (name: string) => {
      const begun = await harness.enrolments.beginTotp({
        subject,
        issuer: 'Test',
        account: 'ann',
        name,
        asFirst: true,
      })
      return { id: begun.enrolment.id, code: codeOf(decodeSecret(begun.secret), epoch) }
    }
    const [own, strange] = [await beginFirst('Own'), await beginFirst('Strange')]
    const outcomes = await Promise.all([confirm(own.code, own.id), confirm(strange.code, strange.id, node)])
    expect(outcomes.map(({ status }) => status).sort()).toEqual(['confirmed', 'nothing_pending'])
    const active = await list({ status: 'active', factor: 'totp' })
    expect(active).toHaveLength(1)
    expect(active[0]?.settings).not.toHaveProperty('as_first')
  })

  it('goes with all others when all are removed, but for the password', async () => {
    const begun = await begin()
    await confirm(begun.code())
    await begin()
    const password = {
      ...begun.enrolment,
      id: `password ${begun.id}`,
      factor: 'password' as const,
      status: 'active' as const,
    }
    await harness.store.transaction((tx) => tx.enrolments.insert(password))
    await harness.store.transaction((tx) =>
      harness.enrolments.removeAll(tx, { subject, actor: 'desk', reason: 'lost' }),
    )
    const left = (await list()).filter(({ status }) => status !== 'revoked')
    expect(left.map(({ factor }) => factor)).toEqual(['password'])
    const entry = (await harness.ledgerOf(subject)).at(-1)
    expect(entry).toMatchObject({ type: 'factors.removed', actor: 'desk', data: { reason: 'lost' } })
    expect(entry?.data.enrolments).toContain(begun.id)
  })

  it('is not begun for a subject that was erased meanwhile', async () => {
    await harness.store.transaction((tx) => tx.subjects.erase(subject.id, epoch))
    await expect(begin()).rejects.toMatchObject({ code: 'not_found' })
    await expect(harness.enrolments.regenerateBackupCodes(subject)).rejects.toMatchObject({
      code: 'not_found',
    })
    expect(await list()).toEqual([])
  })

  it('leaves a clean ledger, without a secret in it', async () => {
    const begun = await begin()
    await confirm(begun.code())
    expect(await harness.verifyLedger()).toMatchObject({ status: 'clean', firstBad: null })
    const entries = JSON.stringify(await harness.ledgerOf(subject))
    for (const secret of [begun.secret, begun.code(), ...begun.backupCodes!])
      expect(entries).not.toContain(secret)
  })
})
