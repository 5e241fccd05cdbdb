import {
  type Attempt,
  type Attempts,
  type Clock,
  canonicalAlias,
  type GatePolicies,
  type GuessLimits,
  guessKey,
  type Random,
  randomId,
  readEntry,
  type Store,
  type Subject,
  type Tx,
  type VerifyOutcome,
} from '@sallyport/core'
import { parseCredential } from '../dialogue/credential.ts'
import { wholePort } from '../state/port-state.ts'
import type { ClockTrust } from './clock-trust.ts'
import { shimApplication } from './enrol-technicians.ts'
import { portBudget, strangerBudget } from './port-budget.ts'
import type { Roster } from './roster.ts'

/** What passed a step: the factor, and what matched (a time step, a code's place). */
export interface Proof {
  factor: string
  detail: Record<string, string | number | boolean>
}

/** What a line that was typed at the prompt leads to. */
export type Verdict =
  | { kind: 'granted'; session: string; technician: string; openedBy: Proof[] }
  /** The chain goes on: the label of the step that is asked for next. */
  | { kind: 'next'; label: string }
  /** `lock`: this failure was one too many, for the technician named or for the whole port. */
  | { kind: 'failed'; lock: string | null }
  /** Not judged at all: this technician, or the whole port, is locked. */
  | { kind: 'locked'; lock: string }
  | { kind: 'clock'; reason: string }

export interface Conversation {
  judge(text: string): Promise<Verdict>
}

export interface Authority {
  /** One walk from the credential line to the end of the chain, at one port. */
  converse(port: string): Conversation
  /** Lifts locks: of one technician, of the port, or all that `locks` names. */
  unlock(port: string, locks: readonly string[]): Promise<void>
}

export interface AuthorityOptions {
  store: Store
  clock: Clock
  random: Random
  attempts: Attempts
  policies: GatePolicies
  roster: Roster
  limits: GuessLimits
  clockTrust: ClockTrust
  /** As the ledger names the device behind this gate. */
  device: string
}

export function createAuthority(options: AuthorityOptions): Authority {
  const { store, clock, random, attempts, policies, limits, clockTrust, roster } = options

  function converse(port: string): Conversation {
    const budget = portBudget(port)
    let walk: { attempt: Attempt; subject: Subject } | null = null

    async function judge(text: string): Promise<Verdict> {
      const clockVerdict = await clockTrust.check()
      if (!clockVerdict.trusted) return { kind: 'clock', reason: clockVerdict.reason }
      await roster.refresh()
      // The guess is on the disk before anything is known about it.
      const at = clock.now()
      const spent = await store.transaction(async (tx) => {
        await clockTrust.mark(tx)
        return budget.spend(tx, at)
      })
      if (!spent.admitted) return { kind: 'locked', lock: wholePort }
      const verdict = await (walk ? goOn(walk, text.trim()) : begin(text))
      const right = verdict.kind === 'granted' || verdict.kind === 'next'
      if (right || verdict.kind === 'locked') {
        await store.transaction((tx) => budget.refund(tx, at, { success: verdict.kind === 'granted' }))
      }
      if (!right) walk = null
      // Of two locks the port's stands for both.
      return verdict.kind === 'failed' && spent.locksNow ? { kind: 'failed', lock: wholePort } : verdict
    }

    async function begin(text: string): Promise<Verdict> {
      const credential = parseCredential(text)
      const alias = credential && canonicalAlias(credential.technician)
      if (!credential || alias === null) return { kind: 'failed', lock: null }
      const subject = roster.find(alias)
      if (!subject) return failStranger(alias)
      const granted = grantOf(subject)
      const outcome = await attempts.prove({
        ...{ gate: 'serial', purpose: `open ${port}`, subject, policies },
        ...{ input: credential.code, grant: granted },
      })
      // A technician without the factors that the policy asks for: nothing was judged, nothing is told.
      if (outcome.status === 'allowed' || outcome.status === 'denied' || outcome.status === 'must_enrol')
        return { kind: 'failed', lock: null }
      return verdictOf(outcome, subject)
    }

    async function goOn({ attempt, subject }: NonNullable<typeof walk>, input: string): Promise<Verdict> {
      // Taken out, or the bundle expired, between two steps.
      if (roster.find(canonicalAlias(subject.ref)!) === null) return { kind: 'failed', lock: null }
      const outcome = await attempts.verify({ attemptId: attempt.id, input, grant: grantOf(subject) })
      return verdictOf(outcome, subject)
    }

    async function verdictOf(outcome: VerifyOutcome<string>, subject: Subject): Promise<Verdict> {
      switch (outcome.status) {
        case 'complete': {
          const { grant: session, attempt } = outcome
          return { kind: 'granted', session, technician: subject.ref, openedBy: await proofsOf(attempt) }
        }
        case 'advanced':
          walk = { attempt: outcome.attempt, subject }
          return { kind: 'next', label: outcome.attempt.chain[outcome.attempt.cursor]!.label }
        case 'rejected':
          return { kind: 'failed', lock: outcome.lockedUntil === null ? null : subject.ref }
        case 'locked':
          return { kind: 'locked', lock: subject.ref }
        case 'gone':
          return { kind: 'failed', lock: null }
      }
    }

    const grantOf = (subject: Subject) => async (tx: Tx, attempt: Attempt) => {
      const session = randomId(random)
      const data = { device: options.device, technician: subject.ref, attempt: attempt.id, session, port }
      tx.ledger.append({
        type: 'session.granted',
        at: clock.now(),
        subject: subject.id,
        gate: 'serial',
        data,
      })
      return session
    }

    return { judge }
  }

  /** As the ledger has them: there stands what matched, which the attempt itself does not keep. */
  async function proofsOf({ id, subjectId: subject, chain }: Attempt): Promise<Proof[]> {
    const filter = { type: 'attempt.step_passed', subject }
    const entries = await store.read((tx) => tx.ledger.latest(null, chain.length, filter))
    return entries.toReversed().flatMap((entry): Proof[] => {
      const { factor, attempt, ...detail } = readEntry(entry).data as Proof['detail']
      return attempt === id ? [{ factor: String(factor), detail }] : []
    })
  }

  async function failStranger(alias: string): Promise<Verdict> {
    const now = clock.now()
    const { admitted, locksNow } = await store.transaction((tx) =>
      strangerBudget(alias, limits).spend(tx, now),
    )
    if (!admitted) return { kind: 'locked', lock: alias }
    return { kind: 'failed', lock: locksNow ? alias : null }
  }

  async function unlock(port: string, locks: readonly string[]): Promise<void> {
    await store.transaction(async (tx) => {
      for (const lock of locks) {
        const alias = canonicalAlias(lock) ?? ''
        if (lock === wholePort) await portBudget(port).clear(tx)
        // Who is on the roster today may have been a stranger when the lock was set, and the reverse.
        const subject = await tx.subjects.findByAlias(shimApplication, alias)
        if (subject) await tx.guesses.clear(guessKey(subject.id))
        await strangerBudget(alias, limits).clear(tx)
      }
      const data = { port, locks: [...locks] }
      tx.ledger.append({ type: 'port.unlocked', at: clock.now(), actor: 'cli', gate: 'serial', data })
    })
  }

  return { converse, unlock }
}
