import type {
  Attempt,
  Challenge,
  Enrolment,
  LedgerLinker,
  LedgerRecord,
  OutboxRow,
  RefreshToken,
  Session,
  Subject,
  Ticket,
  TrustedDevice,
  Tx,
  ValidationClient,
  Yubikey,
} from '@sallyport/core'
import { SallyportError } from '@sallyport/core'

export function subject(id: string, more: Partial<Subject> = {}): Subject {
  const rest = {
    application: 'shop',
    ref: id,
    email: null,
    emailVerifiedAt: null,
    role: 'user',
    company: null,
    createdAt: 1_700_000_000_000,
    disabledAt: null,
    requiredSince: null,
    passwordResetAt: null,
  }
  return { id, ...rest, ...more }
}

export function enrolment(id: string, subjectId: string, more: Partial<Enrolment> = {}): Enrolment {
  return {
    id,
    subjectId,
    factor: 'totp',
    name: 'Phone',
    status: 'pending',
    sealed: { keyId: 'key-1', bytes: Uint8Array.of(0, 1, 254, 255) },
    settings: { digits: 6 },
    createdAt: 1_700_000_000_000,
    confirmedAt: null,
    revokedAt: null,
    lastUsedAt: null,
    expiresAt: 1_700_000_600_000,
    ...more,
  }
}

export function attempt(id: string, more: Partial<Attempt> = {}): Attempt {
  return {
    id,
    gate: 'http',
    application: 'shop',
    subjectId: 'nobody',
    purpose: 'sign-in',
    session: null,
    rule: 'default',
    policy: {
      mode: 'fixed',
      requiredSteps: 1,
      factors: [{ id: 'code', label: 'Code', type: 'totp' }],
      onFailure: 'reset',
      onBreach: 'refuse',
    },
    trustedDevices: false,
    chain: [{ id: 'code', label: 'Code', type: 'totp' }],
    cursor: 0,
    passed: [],
    status: 'pending',
    revision: 1,
    createdAt: 1_700_000_000_000,
    expiresAt: 1_700_000_300_000,
    ...more,
  }
}

export async function addSubject(tx: Tx, id: string): Promise<void> {
  await tx.subjects.insert(subject(id), [id])
}

export function record(type: string, more: Partial<LedgerRecord> = {}): LedgerRecord {
  return { type, at: 1_700_000_000_000, ...more }
}

/** Chains by naming the hash before; refuses a head that is not its own. Nothing is really signed. */
export const fakeLinker: LedgerLinker = {
  link(head, records) {
    if (head && head.signature !== `signed ${head.seq} ${head.hash}`) {
      throw new SallyportError('ledger_damaged', 'the head is not ours')
    }
    const first = head?.seq ?? 0
    let prev = head?.hash ?? 'genesis'
    const entries = records.map((appended, index) => {
      const seq = first + index + 1
      const body = JSON.stringify({ seq, prev, ...appended })
      prev = `hash ${seq}`
      return { seq, hash: prev, body }
    })
    const seq = first + entries.length
    return { entries, head: { ledger: 'test', seq, hash: prev, at: 5, signature: `signed ${seq} ${prev}` } }
  },
}

/** The guess record of one who has not guessed yet. */
export const none = { recent: [], inRow: 0, locks: 0, lockedUntil: null, lastLockAt: null }

/** How many of `callers` parallel calls said true. */
export async function winners(callers: number, call: (index: number) => Promise<boolean>): Promise<number> {
  const answers = await Promise.all(Array.from({ length: callers }, (_, index) => call(index)))
  return answers.filter(Boolean).length
}

export function session(id: string, subjectId: string, more: Partial<Session> = {}): Session {
  return {
    id,
    subjectId,
    kind: 'full',
    createdAt: 10,
    expiresAt: 1000,
    authTime: 10,
    provedAt: null,
    factors: ['password', 'totp'],
    address: null,
    userAgent: null,
    revokedAt: null,
    ...more,
  }
}

export function refreshToken(
  hash: string,
  sessionId: string,
  more: Partial<RefreshToken> = {},
): RefreshToken {
  return { hash, sessionId, createdAt: 10, expiresAt: 1000, usedAt: null, ...more }
}

export function ticket(hash: string, more: Partial<Ticket> = {}): Ticket {
  return {
    hash,
    purpose: 'invitation',
    subjectId: null,
    issuedBy: 'cli',
    reason: null,
    createdAt: 10,
    expiresAt: 1000,
    usedAt: null,
    ...more,
  }
}

export function challenge(id: string, subjectId: string, more: Partial<Challenge> = {}): Challenge {
  return {
    id,
    subjectId,
    factor: 'email',
    sealed: { keyId: 'key-1', bytes: Uint8Array.of(0, 1, 254, 255) },
    createdAt: 10,
    expiresAt: 1000,
    triesLeft: 3,
    endedAt: null,
    ...more,
  }
}

export function outboxRow(id: string, more: Partial<OutboxRow> = {}): OutboxRow {
  return {
    id,
    subjectId: null,
    sealed: { keyId: 'key-1', bytes: Uint8Array.of(0, 1, 254, 255) },
    createdAt: 10,
    dueAt: 10,
    expiresAt: 1000,
    failures: 0,
    ...more,
  }
}

export function device(id: string, subjectId: string, more: Partial<TrustedDevice> = {}): TrustedDevice {
  return {
    id,
    subjectId,
    browser: 'Firefox on Linux',
    basis: 'basis',
    address: null,
    createdAt: 10,
    lastUsedAt: 10,
    expiresAt: 1000,
    revokedAt: null,
    ...more,
  }
}

export function yubikey(publicId: string, more: Partial<Yubikey> = {}): Yubikey {
  const sealed = { keyId: 'key-1', bytes: Uint8Array.of(0, 1, 254, 255) }
  return { publicId, serial: null, sealed, importedAt: 10, ...more }
}

export function validationClient(id: string, more: Partial<ValidationClient> = {}): ValidationClient {
  const sealed = { keyId: 'key-1', bytes: Uint8Array.of(0, 1, 254, 255) }
  return { id, name: 'VPN', sealed, createdAt: 10, ...more }
}
