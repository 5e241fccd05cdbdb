import { type Clock, type Random, randomId } from '../clock.ts'
import { SallyportError } from '../errors.ts'
import type { PasswordScheme } from '../factors/password.ts'
import { fingerprint } from '../factors/shared/fingerprint.ts'
import type { Enrolment, Store, Subject, Tx } from '../store.ts'
import type { Vault } from '../vault/vault.ts'
import { createFirstLines } from './first-lines.ts'
import { type ImportedUser, type ImportRecord, readUser } from './import-row.ts'
import { canonicalAlias, createSubject, loginApplication } from './subjects.ts'

/** What is to be said of one row; never a hash, a seed, or a value that could be one. */
export interface ImportFinding {
  line: number
  /** Only an address that is one. */
  email: string | null
  /** `refused` and `existing` rows are not imported; a `warning` keeps nothing out. */
  kind: 'refused' | 'existing' | 'warning'
  field: string | null
  reason: string
}

export interface ImportSummary {
  rows: number
  /** Rows that were written, or would be. */
  fit: number
  existing: number
  refused: number
  /** Of rows that are fit. */
  warnings: number
}

export interface ImportOptions {
  store: Store
  vault: Vault
  clock: Clock
  random: Random
  /** What passwords are hashed with here: it says which hashes of others can be checked. */
  passwordScheme: PasswordScheme
  /** Where the rows come from, for the ledger. */
  source: string
  /** Without it the rows are checked, and nothing is written. */
  apply: boolean
  /** Lets several users have one seed: a code that one of them used is used up for all of them. */
  sharedSeeds: boolean
  report(finding: ImportFinding): void
}

interface Candidate {
  line: number
  user: ImportedUser
  warnings: ImportFinding[]
}

type Met = 'new' | 'existing' | { taken: 'email' | 'extension' }

const rowsPerCommit = 200

/**
 * Brings users in with the password hashes and the authenticators that they have. A row is written whole or not
 * at all, and one whose user is there already is left as it is: an import that was cut short is simply run again.
 */
export async function importUsers(
  records: AsyncIterable<ImportRecord>,
  options: ImportOptions,
): Promise<ImportSummary> {
  const { store, apply, report } = options
  const summary: ImportSummary = { rows: 0, fit: 0, existing: 0, refused: 0, warnings: 0 }
  const check = createRowCheck(options)
  let batch: Candidate[] = []

  async function flush(): Promise<void> {
    const met: Met[] = apply
      ? await store.transaction((tx) => inOrder(batch, ({ user }) => write(tx, user, options)))
      : await store.read((tx) => inOrder(batch, ({ user }) => meet(tx, user)))
    for (const [index, { line, user, warnings }] of batch.entries()) {
      const found = met[index]!
      if (found === 'new') {
        summary.fit++
        summary.warnings += warnings.length
        for (const warning of warnings) report(warning)
      } else if (found === 'existing') {
        summary.existing++
        report({ line, email: user.email, kind: 'existing', field: null, reason: 'exists already' })
      } else {
        summary.refused++
        const reason = 'is a name of another user'
        report({ line, email: user.email, kind: 'refused', field: found.taken, reason })
      }
    }
    batch = []
  }

  for await (const record of records) {
    summary.rows++
    const checked = check(record)
    if ('user' in checked) batch.push(checked)
    else {
      summary.refused++
      for (const finding of checked.refusals) report(finding)
    }
    if (batch.length === rowsPerCommit) await flush()
  }
  await flush()
  return summary
}

/** Checks rows one after another, each against itself and against those before it. */
function createRowCheck(options: ImportOptions) {
  const { clock, random, passwordScheme: scheme, sharedSeeds } = options
  const names = createFirstLines(random)
  const seeds = createFirstLines(random)

  return (record: ImportRecord): Candidate | { refusals: ImportFinding[] } => {
    const { line } = record
    if ('fault' in record) {
      return { refusals: [{ line, email: null, kind: 'refused', field: null, reason: record.fault }] }
    }
    const { user, faults, warnings } = readUser(record.fields, { now: clock.now(), scheme })
    const email = faults.some(({ path }) => path === 'email') ? null : user.email
    const twins = namesOf(user).flatMap(({ path, alias }) => {
      const first = names.claim(alias, line) ?? line
      return first === line ? [] : [{ path, message: `the user of line ${first} has this name` }]
    })
    faults.push(...twins)
    for (const { secret } of user.seeds) {
      const first = seeds.claim(fingerprint(secret), line)
      // a row that is there twice has its seed twice
      if (first === null || twins.length > 0) continue
      const message = `line ${first} has the same seed: each can make the codes of the other`
      ;(sharedSeeds ? warnings : faults).push({ path: 'totp', message })
    }
    const said = (kind: ImportFinding['kind']) => (fault: { path: string; message: string }) => ({
      ...{ line, email, kind, field: fault.path, reason: fault.message },
    })
    if (faults.length > 0) return { refusals: faults.map(said('refused')) }
    return { line, user, warnings: warnings.map(said('warning')) }
  }
}

function namesOf({ email, extension }: ImportedUser): { path: string; alias: string }[] {
  return Object.entries({ email, extension }).flatMap(([path, name]) => {
    const alias = name === null ? null : canonicalAlias(name)
    return alias === null ? [] : [{ path, alias }]
  })
}

/** Who has the names of this user already. */
async function meet(tx: Tx, user: ImportedUser): Promise<Met> {
  const alias = canonicalAlias(user.email)!
  const owner = await tx.subjects.findByAlias(loginApplication, alias)
  if (owner) {
    const same = owner.email !== null && canonicalAlias(owner.email) === alias
    return same ? 'existing' : { taken: 'email' }
  }
  const extension = user.extension === null ? null : canonicalAlias(user.extension)
  const other = extension === null ? null : await tx.subjects.findByAlias(loginApplication, extension)
  return other ? { taken: 'extension' } : 'new'
}

async function write(tx: Tx, user: ImportedUser, options: ImportOptions): Promise<Met> {
  const { clock, random, source } = options
  const met = await meet(tx, user)
  if (met !== 'new') return met
  const { email, role, company, extension, emailVerified } = user
  const names = { application: loginApplication, ref: email, email, aliases: extension ? [extension] : [] }
  let subject: Subject
  try {
    subject = await createSubject({ ...names, role, company, emailVerified }, { tx, clock, random })
  } catch (error) {
    // Another node made it since we looked; what was begun is undone.
    if (error instanceof SallyportError && error.code === 'already_exists') return 'existing'
    throw error
  }
  const at = clock.now()
  if (company !== null) await tx.companies.insert({ name: company, createdAt: at })
  const enrolments = enrolmentsOf(subject, user, options)
  for (const enrolment of enrolments) await tx.enrolments.insert(enrolment)
  const factors = enrolments.map(({ factor }) => factor)
  const data = { source, role, company, factors }
  tx.ledger.append({ type: 'subject.imported', at, subject: subject.id, actor: 'cli', data })
  return 'new'
}

function enrolmentsOf(subject: Subject, user: ImportedUser, options: ImportOptions): Enrolment[] {
  const { vault, random } = options
  const { passwordHash, seeds, enrolledAt } = user
  const now = subject.createdAt
  const enrolment = (
    made: Pick<Enrolment, 'factor' | 'name' | 'settings'> & { secret: Uint8Array; at: number },
  ): Enrolment => {
    const { secret, at, ...rest } = made
    const sealed = vault.seal({ subject: subject.id, purpose: made.factor, plaintext: secret })
    return {
      ...{ id: randomId(random), subjectId: subject.id, ...rest, status: 'active', sealed },
      ...{ createdAt: at, confirmedAt: at, revokedAt: null, lastUsedAt: null, expiresAt: null },
    }
  }
  const totp = seeds.map(({ secret, settings, name }) =>
    enrolment({ factor: 'totp', name, settings: { ...settings }, secret, at: enrolledAt ?? now }),
  )
  if (passwordHash === null) return totp
  const kept = { factor: 'password', name: 'Password', settings: {} } as const
  return [enrolment({ ...kept, secret: Buffer.from(passwordHash), at: now }), ...totp]
}

async function inOrder<T, R>(items: readonly T[], work: (item: T) => Promise<R>): Promise<R[]> {
  const results: R[] = []
  for (const item of items) results.push(await work(item))
  return results
}
