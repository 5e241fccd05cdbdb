import { expect } from 'vitest'
import type { Line, Submitted } from './walker.fixture.ts'

/** A one-time value, and how it fared. */
interface Value extends Submitted {
  accepted: number
  /** It was rejected, so that it must have been used up before. */
  spent: boolean
}

/** Hears what the processes said before they were killed, and holds each of them to it. */
export function createWitness() {
  const values = new Map<string, Value>()
  const wrong = { least: 0, most: 0 }
  const attempts = { submitted: new Set<string>(), accepted: new Set<string>() }
  let after = 0

  function hear(lines: readonly Line[], life: string): void {
    const open = new Map<number, Submitted>()
    for (const line of lines) {
      if (line.kind === 'submitted') {
        open.set(line.number, line)
        submitted(line)
      } else if (line.kind === 'outcome') {
        judge(open.get(line.number)!, line.status, life)
        open.delete(line.number)
      } else if (line.kind === 'victim') {
        // Each wrong guess that was answered is counted; one that was under way may be.
        const range = `${life}: wrong guesses on record, of ${wrong.least} to ${wrong.most}`
        expect(line.inRow, range).toBe(line.recent)
        expect(line.inRow, range).toBeGreaterThanOrEqual(wrong.least)
        expect(line.inRow, range).toBeLessThanOrEqual(wrong.most)
        Object.assign(wrong, { least: line.inRow, most: line.inRow })
      }
    }
  }

  function submitted(code: Submitted): void {
    attempts.submitted.add(code.attempt)
    after = Math.max(after, code.at + 30_000)
    if (code.factor === 'wrong') wrong.most++
    else if (!values.has(keyOf(code))) values.set(keyOf(code), { ...code, accepted: 0, spent: false })
  }

  function judge(code: Submitted, status: string, life: string): void {
    if (code.factor === 'wrong') {
      expect(status, `${life}: a wrong code`).toBe('rejected')
      wrong.least++
      return
    }
    const value = values.get(keyOf(code))!
    // New to the database, or under way when a process was killed: then nobody knows but the database.
    const isNew = value.attempt === code.attempt
    const expected = value.accepted > 0 ? ['rejected'] : isNew ? passes : [...passes, 'rejected']
    const sort = `${life}: ${value.factor} code of ${value.subject}, accepted ${value.accepted} times before`
    expect(expected, sort).toContain(status)
    if (status === 'rejected') {
      value.spent = true
      return
    }
    value.accepted++
    attempts.accepted.add(code.attempt)
  }

  return {
    hear,
    attempts,
    /** A time from which on no code was ever submitted. */
    after: () => after,
    wasSubmitted: (subject: string, backupCode: string) => values.has(`${subject} ${backupCode}`),
    values: () => [...values.values()],
  }
}

const passes = ['complete', 'advanced']

function keyOf({ subject, factor, input, at }: Submitted): string {
  return `${subject} ${factor === 'backup' ? input : Math.floor(at / 30_000)}`
}
