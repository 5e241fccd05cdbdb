import type { Attempt } from './chain/attempt.ts'
import type { ChallengePort } from './factors/challenge.ts'
import type { FactorType } from './factors/factor.ts'
import type { GuessRecord } from './guard/guard.ts'
import type { LedgerCheckpoint, LedgerEntry, LedgerRecord } from './ledger/entry.ts'

import type { OutboxPort } from './mail/letter.ts'
import type { DevicePort, RefreshTokenPort, SessionPort, TicketPort } from './session/session.ts'
import type { SpoolPort } from './siem/spool.ts'
import type { BundlePort } from './technicians/stored.ts'
import type { BlockPort, FailurePort } from './threat/block.ts'
import type { ThreatPort } from './threat/event.ts'
import type { SignInPort } from './threat/sign-in-risk.ts'
import type { ValidationClientPort, YubikeyPort } from './yubikey/stored.ts'

/**
 * What the core asks of a database. Implementations live in `store/`; one contract suite runs against
 * each of them. Times are milliseconds since the epoch. Methods that answer `boolean` are single
 * conditional writes: `true` means this caller, and no other, made the change.
 */
export interface Store {
  /**
   * Runs `work` atomically. When the promise resolves, what it wrote is durable; when it rejects,
   * nothing it wrote remains. Ledger records appended inside are chained and signed as part of the
   * same commit, so a decision and its evidence exist together or not at all.
   *
   * `work` may await nothing but the `tx` it is given: other callers wait behind it. It may be run
   * again from the start when the database asks for a retry, so it must have no effects elsewhere.
   */
  transaction<T>(work: (tx: Tx) => Promise<T>): Promise<T>
  /** Runs `work` without a write lock. Any write in it throws. */
  read<T>(work: (tx: Tx) => Promise<T>): Promise<T>
  /** Gives the store what chains and signs ledger records. Until then a transaction that appends one fails. */
  attachLedger(linker: LedgerLinker): void
  /**
   * Tells other processes on the database that something changed which they may want to read now. Nobody
   * may rely on it: where the database cannot tell, and when it fails to, nothing happens.
   */
  announce(): Promise<void>
  /** Calls `listener` when another process announced; what is returned stops that. */
  onAnnouncement(listener: () => void): () => Promise<void>
  /** Resolves when the database can be read and written; throws `store_unavailable` when not. */
  check(): Promise<void>
  close(): Promise<void>
}

/**
 * Turns records into the next links of the chain and signs the new head. Called by the store at the
 * end of a transaction, with the head as stored. Throws `ledger_damaged` when that head is not one
 * this ledger signed, so that nothing is ever built on a forged one.
 */
export interface LedgerLinker {
  link(
    head: LedgerCheckpoint | null,
    records: readonly LedgerRecord[],
  ): { entries: LedgerEntry[]; head: LedgerCheckpoint }
}

/** The ports, as seen from inside one transaction. */
export interface Tx {
  readonly subjects: SubjectPort
  readonly enrolments: EnrolmentPort
  readonly attempts: AttemptPort
  readonly once: OncePort
  readonly guesses: GuessPort
  readonly ledger: LedgerPort
  readonly applications: ApplicationPort
  readonly apiKeys: ApiKeyPort
  readonly secrets: SecretPort
  readonly vaultKeys: VaultKeyPort
  readonly settings: SettingPort
  readonly challenges: ChallengePort
  readonly sessions: SessionPort
  readonly refreshTokens: RefreshTokenPort
  readonly tickets: TicketPort
  readonly devices: DevicePort
  readonly signIns: SignInPort
  readonly outbox: OutboxPort
  readonly companies: CompanyPort
  readonly spool: SpoolPort
  readonly yubikeys: YubikeyPort
  readonly validationClients: ValidationClientPort
  readonly threats: ThreatPort
  readonly blocks: BlockPort
  readonly failures: FailurePort
  readonly credentials: CredentialPort
  readonly bundles: BundlePort
}

/** One page of a list: pass `next` back as `after` for the following page; `null` when there is none. */
export interface Page<T> {
  items: T[]
  next: string | null
}

export interface PageRequest {
  after?: string | null
  limit: number
}

export interface Subject {
  id: string
  application: string
  /** The name the application (or the login gate) knows the subject by, as it was first spelled. */
  ref: string
  email: string | null
  /** When somebody showed that the address is theirs, or an administrator vouched for it. */
  emailVerifiedAt: number | null
  role: string
  company: string | null
  createdAt: number
  /** An administrator shut this subject out. */
  disabledAt: number | null
  /** Since when the subject falls under a rule that demands a second factor; grace is measured from it. */
  requiredSince: number | null
  /** The last password reset by mail: mail is no second factor for an hour after it. */
  passwordResetAt: number | null
}

export interface Standing {
  id: string
  role: string
  requiredSince: number | null
  enrolledAt: number | null
}

export interface SubjectPort {
  /** `false` when one of the aliases already belongs to a subject of that application. */
  insert(subject: Subject, aliases: readonly string[]): Promise<boolean>
  find(id: string): Promise<Subject | null>
  /** `alias` must be canonical (see `canonicalAlias`). */
  findByAlias(application: string, alias: string): Promise<Subject | null>
  update(
    id: string,
    change: Partial<Omit<Subject, 'id' | 'application' | 'ref' | 'createdAt'>>,
  ): Promise<boolean>
  /** Gives a further name; false when another subject of that application has it. */
  addAlias(id: string, alias: string): Promise<boolean>
  removeAlias(id: string, alias: string): Promise<boolean>
  aliases(id: string): Promise<string[]>
  count(application: string, filter?: { role?: string }): Promise<number>
  list(application: string, page: PageRequest & { search?: string; role?: string }): Promise<Page<Subject>>
  /** In the order of their ids, beginning after `after`: whoever is not shut out, and since when they have a second factor. */
  standings(application: string, after: string, limit: number): Promise<Standing[]>
  /**
   * Removes the subject, its aliases, enrolments, attempts and counters. The ledger keeps its id. Its sessions
   * stay until they are pruned, revoked at `at` and nobody's, so that every node hears of their end.
   */
  erase(id: string, at: number): Promise<boolean>
}

export type EnrolmentStatus = 'pending' | 'active' | 'revoked'

/** One subject's registered instance of a factor. */
export interface Enrolment {
  id: string
  subjectId: string
  factor: FactorType
  name: string
  status: EnrolmentStatus
  /** The secret, sealed by the vault for this subject and factor; `null` where there is none to keep. */
  sealed: SealedSecret | null
  /** Factor-specific and not secret: `{ algorithm, digits, period }` for TOTP. */
  settings: Record<string, unknown>
  createdAt: number
  confirmedAt: number | null
  revokedAt: number | null
  lastUsedAt: number | null
  /** A pending enrolment that was not confirmed by then is dead. */
  expiresAt: number | null
}

export interface EnrolmentPort extends Resealable {
  insert(enrolment: Enrolment): Promise<void>
  find(id: string): Promise<Enrolment | null>
  /** Oldest first. */
  listBySubject(
    subjectId: string,
    filter?: { status?: EnrolmentStatus; factor?: FactorType },
  ): Promise<Enrolment[]>
  /** pending and not expired at `at` → active, with what it keeps from then on. */
  activate(id: string, at: number, keep: Pick<Enrolment, 'sealed' | 'settings'>): Promise<boolean>
  /** pending or active → revoked; the sealed secret is destroyed. */
  revoke(id: string, at: number): Promise<boolean>
  rename(id: string, name: string): Promise<boolean>
  /** Notes in the settings of an active enrolment that it proves nothing any more; true the first time. */
  lock(id: string, at: number): Promise<boolean>
  /** Records a use of an active enrolment, merging `settings` into what is there; false when it is not active. */
  touch(id: string, at: number, settings?: Record<string, unknown>): Promise<boolean>
}

/** Which enrolment a public-key credential is: within one application each belongs to one, for good. */
export interface CredentialPort {
  /** False when it is somebody's already. */
  insert(credential: { application: string; id: string; enrolmentId: string }): Promise<boolean>
  /** The enrolment's id. */
  find(application: string, id: string): Promise<string | null>
}

export interface AttemptPort {
  insert(attempt: Attempt): Promise<void>
  find(id: string): Promise<Attempt | null>
  /** Replaces the attempt if its stored revision is `attempt.revision - 1`. */
  replace(attempt: Attempt): Promise<boolean>
  /** Ends every pending attempt of the subject but `except`, as refused; answers how many. */
  refuseAll(subjectId: string, except?: string | null): Promise<number>
  /** Deletes attempts that expired before `before`; returns how many. */
  prune(before: number, limit: number): Promise<number>
}

/**
 * Consumption of one-time values, for every factor there is. Both forms are one conditional write.
 */
export interface OncePort {
  /** True the first time `key` is ever spent. Never forgotten: a clock set back finds it still spent. */
  spend(key: string): Promise<boolean>
  /** True when `value` is above every value raised for `key` before. */
  raise(key: string, value: number): Promise<boolean>
  /** How many spent keys begin with `prefix`. */
  countSpent(prefix: string): Promise<number>
}

export interface GuessPort {
  /** Reads the record under a lock that is held to the end of the transaction; `null` if there is none. */
  lock(key: string): Promise<GuessRecord | null>
  find(key: string): Promise<GuessRecord | null>
  save(key: string, record: GuessRecord): Promise<void>
  clear(key: string): Promise<boolean>
}

export interface LedgerFilter {
  type?: string
  subject?: string
  since?: number
  until?: number
}

export interface LedgerPort {
  /** Joins the chain when the transaction commits. */
  append(record: LedgerRecord): void
  /** The signed state after the last entry; `null` before the first. */
  head(): Promise<LedgerCheckpoint | null>
  /** In order of `seq`, starting after `afterSeq`. */
  entries(afterSeq: number, limit: number, filter?: LedgerFilter): Promise<LedgerEntry[]>
  /** Newest first, ending before `beforeSeq`. */
  latest(beforeSeq: number | null, limit: number, filter?: LedgerFilter): Promise<LedgerEntry[]>
  /** How many entries of a type there are from each of these times on to the next one; they stand in order. */
  countFrom(type: string, times: readonly number[]): Promise<number[]>
  /** Kept checkpoints in order of `seq`, starting after `afterSeq`. */
  checkpoints(afterSeq: number, limit: number): Promise<LedgerCheckpoint[]>
  /** Keeps the present head as a checkpoint; `null` when the head is already kept or the ledger is empty. */
  keepCheckpoint(): Promise<LedgerCheckpoint | null>
  /** Removes entries up to and including a kept checkpoint, which stays as the new anchor. */
  pruneThrough(seq: number): Promise<number>
}

export interface Application {
  name: string
  issuer: string
  rpId: string | null
  origins: string[]
  createdAt: number
}

export interface ApplicationPort {
  insert(application: Application): Promise<boolean>
  find(name: string): Promise<Application | null>
  update(name: string, change: Partial<Omit<Application, 'name' | 'createdAt'>>): Promise<boolean>
  list(page: PageRequest): Promise<Page<Application>>
}

export interface Company {
  name: string
  createdAt: number
}

export interface CompanyPort {
  insert(company: Company): Promise<boolean>
  list(page: PageRequest): Promise<Page<Company>>
  remove(name: string): Promise<boolean>
}

export interface ApiKey {
  id: string
  application: string
  name: string
  /** SHA-256 of the whole key, in hex. A key has 256 random bits, so it needs no slow hash. */
  hash: string
  scopes: string[]
  createdAt: number
  revokedAt: number | null
  lastUsedAt: number | null
}

export interface ApiKeyPort {
  insert(key: ApiKey): Promise<void>
  findByHash(hash: string): Promise<ApiKey | null>
  list(page: PageRequest): Promise<Page<ApiKey>>
  revoke(id: string, at: number): Promise<boolean>
  /** Records a use, unless one at or after `since` is recorded already. */
  touch(id: string, at: number, since: number): Promise<boolean>
}

/** What the vault made of a secret: opaque bytes and the ring key that opens them. */
export interface SealedSecret {
  keyId: string
  bytes: Uint8Array
}

export interface SealedRow {
  id: string
  subject: string
  purpose: string
  sealed: SealedSecret
}

/** A port that holds sealed secrets, as key rotation sees it. */
export interface Resealable {
  /** Rows whose secret is sealed under another key than `keyId`. */
  sealedUnderOtherKeys(keyId: string, limit: number): Promise<SealedRow[]>
  /** Replaces one sealed secret if it is still sealed under `from`. */
  reseal(id: string, from: string, sealed: SealedSecret): Promise<boolean>
  countSealedUnder(keyId: string): Promise<number>
}

/** Named secrets of the installation itself, such as the ledger's signing key. */
export interface SecretPort extends Resealable {
  find(name: string): Promise<SealedSecret | null>
  /** `false` when the name is taken. */
  insert(name: string, sealed: SealedSecret): Promise<boolean>
}

export type VaultKeyStatus = 'active' | 'retiring' | 'retired'

/** A ring key, wrapped under the master key. Retired ones keep their row, but not their key. */
export interface WrappedKey {
  id: string
  wrapped: Uint8Array | null
  status: VaultKeyStatus
  createdAt: number
  retiredAt: number | null
}

export interface VaultKeyPort {
  insert(key: WrappedKey): Promise<boolean>
  /** Oldest first. */
  list(): Promise<WrappedKey[]>
  setStatus(id: string, from: VaultKeyStatus, to: VaultKeyStatus, at: number): Promise<boolean>
}

/** Small facts about the installation: its id, the vault's salt. */
export interface SettingPort {
  find(name: string): Promise<string | null>
  /** `false` when the name is taken. */
  insert(name: string, value: string): Promise<boolean>
  put(name: string, value: string): Promise<void>
}
