import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { admitGuess, breakRow, defaultGuessLimits, type GuessRecord, refundGuess } from './guard.ts'

const limits = defaultGuessLimits
const second = 1_000
const minute = 60 * second
const hour = 60 * minute

/** Spends guesses at the given times; answers which were admitted, and the record at the end. */
function spend(times: readonly number[], from: GuessRecord | null = null) {
  let record = from
  const admitted = times.map((now) => {
    const admission = admitGuess(record, { now, limits })
    record = admission.record
    return admission.admitted
  })
  return { admitted, record: record! }
}

describe('the guess budget', () => {
  it('admits five in a minute, then locks', () => {
    const { admitted, record } = spend([0, 1, 2, 3, 4, 5, 6])
    expect(admitted).toEqual([true, true, true, true, true, false, false])
    expect(record.lockedUntil).toBe(4 + minute)
  })

  it('counts in a sliding window, so the border between two minutes buys nothing', () => {
    const times = [0, 55 * second, 56 * second, 57 * second, 61 * second, 62 * second, 63 * second]
    expect(spend(times).admitted).toEqual([true, true, true, true, true, true, false])
  })

  it('locks for longer each time, up to an hour, and starts over after a quiet day', () => {
    let record: GuessRecord | null = null
    let now = 0
    const lengths: number[] = []
    for (let lock = 0; lock < 6; lock++) {
      record = spend([now, now, now, now, now], record).record
      lengths.push((record.lockedUntil! - now) / minute)
      now = record.lockedUntil!
    }
    expect(lengths).toEqual([1, 5, 15, 60, 60, 60])
    now += 25 * hour
    record = spend([now, now, now, now, now], record).record
    expect((record.lockedUntil! - now) / minute).toBe(1)
  })

  it('needs an administrator or a recovery factor after a hundred in a row', () => {
    let record: GuessRecord | null = null
    let now = 0
    for (let guess = 0; guess < 100; guess++) {
      const admission = admitGuess(record, { now, limits })
      expect(admission.admitted).toBe(true)
      record = admission.record
      now = (record.lockedUntil ?? now) + 1
    }
    now += 365 * 24 * hour
    expect(admitGuess(record, { now, limits })).toMatchObject({ admitted: false, reason: 'ceiling' })
    expect(admitGuess(record, { now, limits, recovery: true })).toMatchObject({ admitted: true })
  })

  it('lifts the lock that a right guess caused, and keeps the wrong ones counted', () => {
    const { record } = spend([0, 1, 2, 3, 4])
    const refunded = refundGuess(record, 4)
    expect(refunded).toMatchObject({ recent: [0, 1, 2, 3], inRow: 4, locks: 0, lockedUntil: null })
    expect(spend([5, 6], refunded).admitted).toEqual([true, false])
  })

  it('keeps a lock that another guess caused after the right one', () => {
    const { record } = spend([0, 1, 2, 3, 4])
    expect(refundGuess(record, 2).lockedUntil).toBe(null)
    const full = spend([5], refundGuess(record, 2)).record
    expect(full.lockedUntil).toBe(5 + minute)
    expect(refundGuess(full, 2)).toBe(full)
  })

  it('breaks the row on success, and keeps the wrong guesses of the last minute counted', () => {
    const { record } = spend([0, 1, 2, 3])
    expect(breakRow(record, 3)).toMatchObject({ recent: [0, 1, 2], inRow: 0 })
    expect(spend([4, 5, 6], breakRow(record, 3)).admitted).toEqual([true, true, false])
  })

  it('takes no guess back twice, and none after an administrator reset them', () => {
    const once = refundGuess(spend([0, 1]).record, 1)
    expect(refundGuess(once, 1)).toBe(once)
    const afterReset = spend([7], null).record
    expect(refundGuess(afterReset, 1)).toEqual(afterReset)
  })

  it('answers a refusal without a change to store', () => {
    const { record } = spend([0, 1, 2, 3, 4])
    expect(admitGuess(record, { now: 5, limits }).record).toBe(record)
  })

  it('counts across nodes whose clocks are half a minute apart', () => {
    const ahead = minute / 2
    const times = [0, ahead, 1, ahead + 1, 2, ahead + 2, 3, ahead + 3, 4, ahead + 4]
    expect(spend(times).admitted.filter(Boolean).length).toBeLessThanOrEqual(limits.attempts)
  })

  it('neither frees guesses when the clock is set back nor locks longer than a lock', () => {
    const { record } = spend([hour, hour, hour, hour])
    expect(spend([0, 0], record).admitted).toEqual([true, false])

    const locked = spend([400 * 24 * hour, ...Array(4).fill(400 * 24 * hour)]).record
    const afterRepair = admitGuess(locked, { now: 0, limits })
    expect(afterRepair).toMatchObject({ admitted: false, until: hour })
    expect(admitGuess(afterRepair.record, { now: hour, limits }).admitted).toBe(true)
  })

  it('never admits more than the budget in any window, whatever the times', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 0, max: 20_000 }), { maxLength: 200 }), (steps) => {
        let now = 0
        const times = steps.map((step) => (now += step))
        const { admitted } = spend(times)
        const accepted = times.filter((_, index) => admitted[index])
        for (const start of accepted) {
          const inWindow = accepted.filter((time) => time >= start && time < start + limits.within)
          expect(inWindow.length).toBeLessThanOrEqual(limits.attempts)
        }
      }),
    )
  })
})
