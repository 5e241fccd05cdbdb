import type { Clock, Session, Store, Subject } from '@sallyport/core'
import type { Tokens } from './tokens.ts'

export interface Person {
  session: Session
  subject: Subject
}

export interface SessionMemory {
  /** Who holds this access token now; `null` when nobody does any more. */
  person(token: string): Promise<Person | null>
  /** The same where nobody has to be asked for it; `null` also where somebody has to. */
  known(token: string): Person | null
  /** Ends what this node remembers of a session, at once. */
  forget(sessionId: string): void
  stop(): void
}

interface Remembered extends Person {
  expiresAt: number
}

/** Tokens remembered at most; the oldest go first. About 1 kB each. */
const mostTokens = 20_000
const pollEvery = 500
/** Memory that has not heard of revocations for this long is not believed. */
const hearsayLimit = 1_000
/** Clocks of nodes differ: revocations are asked for from a little before the last time. */
const overlap = 60_000

/**
 * A token's signature and session are checked once on a node, then remembered until the token expires or
 * its session's revocation is heard of, within a second, from whichever node it came. When the database
 * does not answer, nothing remembered is believed: each check asks it, and fails as it does (P8).
 */
export function createSessionMemory(options: { store: Store; tokens: Tokens; clock: Clock }): SessionMemory {
  const { store, tokens, clock } = options
  const remembered = new Map<string, Remembered>()
  const tokensOf = new Map<string, Set<string>>()
  let heardAt = Number.NEGATIVE_INFINITY
  let askFrom = clock.now() - overlap

  function forget(sessionId: string): void {
    for (const token of tokensOf.get(sessionId) ?? []) remembered.delete(token)
    tokensOf.delete(sessionId)
  }

  function drop(token: string, sessionId: string): void {
    remembered.delete(token)
    const others = tokensOf.get(sessionId)
    others?.delete(token)
    if (others?.size === 0) tokensOf.delete(sessionId)
  }

  function remember(token: string, found: Remembered): void {
    const oldest = remembered.size >= mostTokens ? remembered.entries().next().value : undefined
    if (oldest) drop(oldest[0], oldest[1].session.id)
    remembered.set(token, found)
    const others = tokensOf.get(found.session.id)
    if (others) others.add(token)
    else tokensOf.set(found.session.id, new Set([token]))
  }

  async function listen(): Promise<void> {
    const asked = performance.now()
    const now = clock.now()
    const revoked = await store.read((tx) => tx.sessions.revokedSince(askFrom))
    for (const id of revoked) forget(id)
    heardAt = asked
    askFrom = now - overlap
  }

  let listening: Promise<void> | null = null
  const timer = setInterval(() => {
    // A failure needs no word here: what is remembered stops being believed by itself.
    if (remembered.size > 0)
      listening ??= listen()
        .catch(() => {})
        .finally(() => (listening = null))
  }, pollEvery).unref()

  function known(token: string): Person | null {
    const found = remembered.get(token)
    const believed = performance.now() - heardAt < hearsayLimit
    return found && believed && clock.now() < found.expiresAt ? found : null
  }

  async function person(token: string): Promise<Person | null> {
    const known = remembered.get(token)
    if (known && performance.now() - heardAt < hearsayLimit) {
      if (clock.now() < known.expiresAt) return known
      drop(token, known.session.id)
      return null
    }
    const claims = await tokens.readAccess(token)
    if (!claims) return null
    const asked = performance.now()
    const found = await store.read(async (tx) => {
      const session = await tx.sessions.find(claims.sessionId)
      return session && { session, subject: await tx.subjects.find(session.subjectId) }
    })
    if (!found?.subject || !inForce(found.session, found.subject, clock.now())) return null
    const { session, subject } = found
    const fresh = { session, subject, expiresAt: Math.min(claims.expiresAt, session.expiresAt) }
    remember(token, fresh)
    // With nothing remembered before, there was nothing to hear about: from now on there is.
    if (performance.now() - heardAt >= hearsayLimit && remembered.size === 1) heardAt = asked
    return fresh
  }

  return {
    person,
    known,
    forget,
    stop: () => clearInterval(timer),
  }
}

function inForce(session: Session, subject: Subject, now: number): boolean {
  return session.revokedAt === null && now < session.expiresAt && subject.disabledAt === null
}
