import { writeSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Attempt, GuessLimits, Subject } from '@sallyport/core'
import { chainOf, codeOf, oneStep, openHarness } from './harness.ts'

/** One submission: what its parent has to know of it before it is made. */
export interface Submitted {
  kind: 'submitted'
  /** Of the submission, among those of this process. */
  number: number
  attempt: string
  subject: string
  factor: 'totp' | 'backup' | 'wrong'
  input: string
  at: number
}

export type Line =
  | Submitted
  | { kind: 'outcome'; number: number; status: string }
  /** What the victim's record says, once the database is open again. */
  | { kind: 'victim'; inRow: number; recent: number }
  | { kind: 'ready' }

export interface Person {
  subject: Subject
  secret: string
}

export interface Errand {
  location: string
  /** The clock's time from which on no code was ever submitted. */
  at: number
  /** To be submitted once more, each at its own time, before anything new is. */
  again: Pick<Submitted, 'subject' | 'factor' | 'input' | 'at'>[]
  /** Whether to go on to new codes after that. */
  fresh: boolean
  /** Everybody, for the codes above. */
  people: Subject[]
  walker: Person
  pair: Person
  /** Backup codes of `pair` that were never submitted. */
  codes: string[]
  /** Gets nothing but wrong codes. */
  victim: Person
}

/** No lock ever falls, so that each answer is about the code. */
const limits: GuessLimits = {
  attempts: 1_000_000,
  within: 60_000,
  lockFor: [60_000],
  decayAfter: 60_000,
  ceiling: 1_000_000_000,
}
const period = 30_000

/** Says it at once: what is still in a buffer of ours would die with us. */
const say = (line: Line) => void writeSync(1, `${JSON.stringify(line)}\n`)

async function run(errand: Errand): Promise<void> {
  const { walker, pair, victim } = errand
  const { attempts, begin, clock, guesses } = await openHarness({ location: errand.location, limits })
  let number = 0

  async function submit(subject: Subject, code: Pick<Submitted, 'factor' | 'input'>, on?: Attempt) {
    const attempt = on ?? (await begin(subject, oneStep))
    const mine = ++number
    const { id } = attempt
    say({ kind: 'submitted', number: mine, attempt: id, subject: subject.id, at: clock.at, ...code })
    const { status } = await attempts.verify({ attemptId: id, input: code.input })
    say({ kind: 'outcome', number: mine, status })
  }

  const totp = ({ secret }: Person, at = clock.at) => {
    return { factor: 'totp', input: codeOf(Buffer.from(secret, 'hex'), at) } as const
  }

  async function twoSteps(backup: string | undefined): Promise<void> {
    if (backup === undefined) return submit(pair.subject, totp(pair))
    const attempt = await begin(pair.subject, chainOf(['totp', 'backup']))
    await submit(pair.subject, totp(pair), attempt)
    await submit(pair.subject, { factor: 'backup', input: backup }, attempt)
  }

  const people = new Map(errand.people.map((subject) => [subject.id, subject]))
  for (const [at, codes] of Map.groupBy(errand.again, (code) => code.at)) {
    clock.at = at
    await Promise.all(
      codes.map(({ subject, factor, input }) => submit(people.get(subject)!, { factor, input })),
    )
  }
  const { inRow = 0, recent = [] } = (await guesses(victim.subject)) ?? {}
  say({ kind: 'victim', inRow, recent: recent.length })
  say({ kind: 'ready' })
  if (!errand.fresh) return
  for (clock.at = errand.at; ; clock.at += period) {
    await Promise.all([
      submit(walker.subject, totp(walker)),
      twoSteps(errand.codes.shift()),
      // Right ten years ago.
      submit(victim.subject, { ...totp(victim, clock.at / 2), factor: 'wrong' }),
    ])
    await sleep(5)
  }
}

process.once('message', (errand: Errand) => void run(errand))
process.on('disconnect', () => process.exit())
