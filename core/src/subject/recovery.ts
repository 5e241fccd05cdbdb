import { endedAt, lockSubject } from '../chain/attempt-context.ts'
import type { Clock, Random } from '../clock.ts'
import { isSecondFactor } from '../enrolment/enforcement.ts'
import { removeAllFactors } from '../enrolment/remove-factors.ts'
import { drawGroups, legible } from '../factors/shared/legible.ts'
import type { Outbox } from '../mail/outbox.ts'
import type { PasswordCheck } from '../session/password-check.ts'
import type { Session } from '../session/session.ts'
import type { Sessions } from '../session/sessions.ts'
import type { MustEnrol, Origin, SignedIn } from '../session/sign-in.ts'
import { findTicket, issueTicket, redeemTicket, ticketLifetimes } from '../session/tickets.ts'
import type { Store, Subject, Tx } from '../store.ts'
import type { IssuedLink, IssueLink } from './links.ts'
import { findUser, hasPassword } from './users.ts'

interface Help {
  id: string
  actor: string
  reason: string | null
}

export type LinkByPassword =
  | MustEnrol
  /** No link in force, or a factor was enrolled meanwhile. */
  | { status: 'refused' }
  | { status: 'wrong_password' }
  | { status: 'throttled'; until: number }
  | { status: 'busy' }

export interface Recovery {
  /** Removes every factor, ends sessions and sign-ins under way, and issues a link; `null` for nobody. */
  resetFactors(
    request: Help & { mail: boolean },
  ): Promise<{ removed: number; ended: string[]; link: IssuedLink } | null>
  /**
   * A link to enrol a first factor; to choose a password first, for somebody who has none yet. Somebody who
   * has a factor gets none: what is enrolled must be reset before.
   */
  enrolmentLink(
    request: Help & { mail: boolean },
  ): Promise<{ status: 'issued'; link: IssuedLink } | { status: 'enrolled' } | { status: 'unknown' }>
  /** Goes on by an enrolment link: with the password it opens a session that may only enrol. */
  openByLink(request: { token: string; password: string } & Origin): Promise<LinkByPassword>
  /** A pass that stands, once and for a short time, in the place of the second factor; `null` for nobody. */
  issuePass(request: Help): Promise<{ pass: string; expiresAt: number } | null>
  /**
   * Completes a sign-in under way by a pass. Its session has no fresh proof: a pass lets somebody in for the
   * day, and neither adds nor removes a factor (P5).
   */
  usePass(request: { attemptId: string; pass: string } & Origin): Promise<SignedIn | { status: 'refused' }>
}

export interface RecoveryOptions {
  store: Store
  clock: Clock
  random: Random
  sessions: Sessions
  passwordCheck: PasswordCheck
  outbox: Pick<Outbox, 'notify'>
  issueLink: IssueLink
}

/** 80 bits, to be read out over the phone. */
const passGroups = [4, 4, 4, 4]

/** Ways back in that need somebody else's hand, each on record with whose it was. */
export function createRecovery(options: RecoveryOptions): Recovery {
  const { store, clock, random, sessions, passwordCheck, outbox, issueLink } = options

  const resetFactors: Recovery['resetFactors'] = ({ id, actor, reason, mail }) =>
    store.transaction(async (tx) => {
      await lockSubject(tx, id)
      const subject = await findUser(tx, id)
      if (!subject) return null
      const removed = await removeAllFactors({ subject, actor, reason }, { tx, clock })
      for (const { factor, name, status } of removed) {
        if (status === 'pending' || factor === 'backup') continue
        await outbox.notify(tx, { subject, kind: 'factor_removed', facts: { factor, name } })
      }
      const ended = await sessions.endAll(tx, { subjectId: id, actor, reason: 'factors_reset' })
      const at = clock.now()
      await tx.tickets.voidAll(id, 'pass', at)
      const data = { reason, removed: removed.length }
      tx.ledger.append({ type: 'factors.reset', at, subject: id, actor, data })
      const link = await issueLink(tx, subject, { purpose: await purposeFor(tx, id), actor, reason, mail })
      return { removed: removed.length, ended, link }
    })

  const enrolmentLink: Recovery['enrolmentLink'] = ({ id, actor, reason, mail }) =>
    store.transaction(async (tx) => {
      await lockSubject(tx, id)
      const subject = await findUser(tx, id)
      if (!subject) return { status: 'unknown' } as const
      if (await hasFactor(tx, id)) return { status: 'enrolled' } as const
      const link = await issueLink(tx, subject, { purpose: await purposeFor(tx, id), actor, reason, mail })
      return { status: 'issued', link } as const
    })

  async function purposeFor(tx: Tx, id: string) {
    return (await hasPassword(tx, id)) ? 'enrolment_link' : 'invitation'
  }

  const openByLink: Recovery['openByLink'] = async ({ token, password, address, userAgent }) => {
    const claim = { token, purpose: 'enrolment_link' } as const
    const ticket = await store.read((tx) => findTicket(claim, { tx, clock }))
    if (!ticket?.subjectId) return { status: 'refused' }
    const judged = await passwordCheck.judge({ subjectId: ticket.subjectId, password, address, userAgent })
    if (judged.status !== 'judged') return judged
    return store.transaction(async (tx): Promise<LinkByPassword> => {
      const subject = await passwordCheck.accept(tx, judged)
      if (!subject) return { status: 'wrong_password' }
      if (await hasFactor(tx, subject.id)) return { status: 'refused' }
      if (!(await redeemTicket(claim, { tx, clock }))) return { status: 'refused' }
      const opened = await open(tx, { subject, kind: 'enrolling', origin: { address, userAgent } })
      return { status: 'must_enrol', session: opened.session, subject }
    })
  }

  const issuePass: Recovery['issuePass'] = ({ id, actor, reason }) =>
    store.transaction(async (tx) => {
      await lockSubject(tx, id)
      if (!(await findUser(tx, id))) return null
      await tx.tickets.voidAll(id, 'pass', clock.now())
      const pass = drawGroups(random, { alphabet: legible, groups: passGroups })
      const ticket = { purpose: 'pass', subjectId: id, issuedBy: actor, reason } as const
      await issueTicket({ ...ticket, token: canonicalPass(pass) }, { tx, clock, random })
      return { pass, expiresAt: clock.now() + ticketLifetimes.pass }
    })

  const usePass: Recovery['usePass'] = async ({ attemptId, pass, address, userAgent }) => {
    const claim = { token: canonicalPass(pass), purpose: 'pass' } as const
    const refused = { status: 'refused' } as const
    return store.transaction(async (tx) => {
      const seen = await tx.attempts.find(attemptId)
      if (!seen) return refused
      await lockSubject(tx, seen.subjectId)
      const attempt = await tx.attempts.find(attemptId)
      const subject = await findUser(tx, seen.subjectId)
      if (!attempt || endedAt(attempt, clock.now()) || attempt.purpose !== 'sign-in') return refused
      if (!subject || subject.disabledAt !== null) return refused
      // Looked at before it is used up: another's pass stays good for its owner.
      const ticket = await findTicket(claim, { tx, clock })
      if (ticket?.subjectId !== subject.id || !(await redeemTicket(claim, { tx, clock }))) return refused
      const done = { ...attempt, status: 'complete', revision: attempt.revision + 1 } as const
      await tx.attempts.replace(done)
      const data = { attempt: attempt.id, purpose: attempt.purpose, factors: [], pass_by: ticket.issuedBy }
      const { gate } = attempt
      tx.ledger.append({ type: 'attempt.completed', at: clock.now(), subject: subject.id, gate, data })
      const opened = await open(tx, { subject, kind: 'full', origin: { address, userAgent } })
      const { session, refreshToken } = opened
      return { status: 'signed_in', session, refreshToken: refreshToken!, subject, graceUntil: null } as const
    })
  }

  function open(tx: Tx, wanted: { subject: Subject; kind: Session['kind']; origin: Origin }) {
    const { subject, kind, origin } = wanted
    return sessions.open(tx, { subject, kind, factors: ['password'], proved: false, ...origin })
  }

  return { resetFactors, enrolmentLink, openByLink, issuePass, usePass }
}

async function hasFactor(tx: Tx, subjectId: string): Promise<boolean> {
  const active = await tx.enrolments.listBySubject(subjectId, { status: 'active' })
  return active.some(({ factor }) => isSecondFactor(factor))
}

/** However it was typed. Anything but its own symbols is nobody's pass. */
function canonicalPass(typed: string): string {
  return typed.replace(/[\s-]/g, '').replace(/[a-z]/g, (letter) => letter.toUpperCase())
}
