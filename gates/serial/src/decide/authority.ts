import {
  type Attempt,
  type Attempts,
  type ChainPolicy,
  type Clock,
  canonicalAlias,
  drawChain,
  type GuessLimits,
  guessKey,
  hashBackupCodes,
  parseGatePolicies,
  type Random,
  randomId,
  readEntry,
  type Store,
  type Subject,
  stepKinds,
  type Tx,
  type VerifyOutcome,
} from '@sallyport/core'
import { isFirstStepDrawn } from '../config/shim-config.ts'
import { type Credential, parseCredential } from '../dialogue/credential.ts'
import { wholePort } from '../state/port-state.ts'
import type { ClockTrust, ClockVerdict } from './clock-trust.ts'
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
  /** The label of the step that is asked for next. `unread`: a code came before it was asked for. */
  | { kind: 'next'; label: string; unread?: boolean }
  /**
   * `lock`: this failure was one too many, for the technician named or for the whole port. `again`: the
   * label of the same step, where the policy lets it be tried once more.
   */
  | { kind: 'failed'; lock: string | null; again?: string }
  /** Not judged at all: this technician, or the whole port, is locked. */
  | { kind: 'locked'; lock: string }
  | ({ kind: 'clock' } & Extract<ClockVerdict, { trusted: false }>)

export interface Conversation {
  judge(text: string): Promise<Verdict>
}

export interface Authority {
  /** One walk from the credential line to the end of the chain, at one port. */
  converse(port: string): Conversation
  /** Whether codes can be judged at all. */
  clock(): Promise<ClockVerdict>
  /** Whether somebody has, or had, that canonical name. */
  isKnown(alias: string): Promise<boolean>
  /** Lifts locks: of one technician, of the port, or all that `locks` names. */
  unlock(port: string, locks: readonly string[]): Promise<void>
}

export interface AuthorityOptions {
  store: Store
  clock: Clock
  random: Random
  attempts: Attempts
  policy: ChainPolicy
  roster: Roster
  limits: GuessLimits
  clockTrust: ClockTrust
  /** As the ledger names the device behind this gate. */
  device: string
}

/** Where a conversation stands in a chain. An id that nobody has is asked like any other. */
type Walk = { attempt: Attempt; subject: Subject } | { stranger: string; label: string }

export function createAuthority(options: AuthorityOptions): Authority {
  const { store, clock, random, attempts, policy, limits, clockTrust, roster } = options
  const policies = parseGatePolicies(policy)
  const firstIsDrawn = isFirstStepDrawn(policy)
  /** A chain of one step that is always the same is said in one line, as the banner has it. */
  const asksByName = firstIsDrawn || policy.requiredSteps > 1
  const takesBackup = policy.factors.some((step) => stepKinds(step).includes('backup'))

  function converse(port: string): Conversation {
    const budget = portBudget(port)
    let walk: Walk | null = null
    /** The guess that is spent for an id alone: it is that of the code which comes next. */
    let paid: (Awaited<ReturnType<typeof budget.spend>> & { at: number }) | null = null

    async function judge(text: string): Promise<Verdict> {
      const clockVerdict = await clockTrust.check()
      if (!clockVerdict.trusted) return { kind: 'clock', ...clockVerdict }
      await roster.refresh()
      // The guess is on the disk before anything is known about it.
      const spent = paid ?? (await spend())
      paid = null
      if (!spent.admitted) return { kind: 'locked', lock: wholePort }
      const credential = walk === null ? parseCredential(text) : null
      if (credential && asksByName && (credential.code === null || firstIsDrawn)) {
        paid = spent
        return { ...(await ask(credential)), unread: credential.code !== null }
      }
      const verdict = await (walk ? goOn(walk, text.trim()) : begin(credential))
      const right = verdict.kind === 'granted' || verdict.kind === 'next'
      if (right || verdict.kind === 'locked') {
        const success = verdict.kind === 'granted'
        await store.transaction((tx) => budget.refund(tx, spent.at, { success }))
      }
      if (!right && !(verdict.kind === 'failed' && verdict.again)) walk = null
      // Of two locks the port's stands for both.
      return verdict.kind === 'failed' && spent.locksNow ? { kind: 'failed', lock: wholePort } : verdict
    }

    function spend() {
      const at = clock.now()
      return store.transaction(async (tx) => {
        await clockTrust.mark(tx)
        return { ...(await budget.spend(tx, at)), at }
      })
    }

    /** Begins a chain by its name: the first step is asked for, of whoever it may be. */
    async function ask({ technician }: Credential): Promise<Extract<Verdict, { kind: 'next' }>> {
      const alias = canonicalAlias(technician) ?? technician
      const subject = roster.find(alias)
      const begun = subject && (await attempts.start(about(subject)))
      const attempt = begun?.status === 'pending' ? begun.attempt : null
      const { label } = (attempt?.chain ?? drawChain(policy, random))[0]!
      walk = subject && attempt ? { attempt, subject } : { stranger: alias, label }
      return { kind: 'next', label }
    }

    async function begin(credential: Credential | null): Promise<Verdict> {
      const alias = credential && canonicalAlias(credential.technician)
      if (!credential || credential.code === null || alias === null) return { kind: 'failed', lock: null }
      const { code: input } = credential
      const subject = roster.find(alias)
      const stranger = { stranger: alias, label: policy.factors[0]!.label }
      if (!subject) return failStranger(stranger, input)
      const outcome = await attempts.prove({ ...about(subject), input, grant: grantOf(subject) })
      // A technician without the factors that the policy asks for: nothing was judged, nothing is told.
      if (outcome.status === 'allowed' || outcome.status === 'denied' || outcome.status === 'must_enrol')
        return failStranger(stranger, input)
      if (outcome.status === 'rejected') await evenOut(input, outcome.attempt)
      return verdictOf(outcome, subject)
    }

    async function goOn(walked: Walk, input: string): Promise<Verdict> {
      if ('stranger' in walked) return failStranger(walked, input)
      const { attempt, subject } = walked
      // Taken out, or the bundle expired, between two steps.
      if (roster.find(canonicalAlias(subject.ref)!) === null) return { kind: 'failed', lock: null }
      const outcome = await attempts.verify({ attemptId: attempt.id, input, grant: grantOf(subject) })
      if (outcome.status === 'rejected') await evenOut(input, attempt)
      return verdictOf(outcome, subject)
    }

    async function failStranger(
      walked: Extract<Walk, { stranger: string }>,
      input: string,
    ): Promise<Verdict> {
      const { stranger: alias, label } = walked
      const now = clock.now()
      const { admitted, locksNow } = await store.transaction((tx) =>
        strangerBudget(alias, limits).spend(tx, now),
      )
      if (!admitted) return { kind: 'locked', lock: alias }
      await evenOut(input, null)
      if (locksNow) return { kind: 'failed', lock: alias }
      walk = walked
      return { kind: 'failed', lock: null, ...(policy.onFailure === 'retry' && { again: label }) }
    }

    const about = (subject: Subject) => ({ gate: 'serial', purpose: `open ${port}`, subject, policies })

    async function verdictOf(outcome: VerifyOutcome<string>, subject: Subject): Promise<Verdict> {
      switch (outcome.status) {
        case 'complete': {
          const { grant: session, attempt } = outcome
          return { kind: 'granted', session, technician: subject.ref, openedBy: await proofsOf(attempt) }
        }
        case 'advanced':
          walk = { attempt: outcome.attempt, subject }
          return { kind: 'next', label: outcome.attempt.chain[outcome.attempt.cursor]!.label }
        case 'rejected': {
          const { attempt, lockedUntil } = outcome
          if (lockedUntil !== null) return { kind: 'failed', lock: canonicalAlias(subject.ref) }
          if (policy.onFailure === 'reset') return { kind: 'failed', lock: null }
          walk = { attempt, subject }
          return { kind: 'failed', lock: null, again: attempt.chain[attempt.cursor]!.label }
        }
        case 'locked':
          return { kind: 'locked', lock: canonicalAlias(subject.ref)! }
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

  /**
   * A backup code costs a slow hash for each set that somebody has: whoever has fewer, or is nobody, costs as
   * much as the one with the most, so that the time tells of no name whether it is somebody's.
   */
  async function evenOut(input: string, judged: Attempt | null): Promise<void> {
    if (!takesBackup) return
    const { own, most } = roster.setsFor(input, judged?.subjectId ?? null)
    const step = judged?.chain[judged.cursor]
    const paid = step && stepKinds(step).includes('backup') ? own : 0
    for (let hashes = paid; hashes < most; hashes++)
      await hashBackupCodes([input], { random, format: 'short' })
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

  async function isKnown(alias: string): Promise<boolean> {
    return (await store.read((tx) => tx.subjects.findByAlias(shimApplication, alias))) !== null
  }

  return { converse, unlock, isKnown, clock: clockTrust.check }
}
