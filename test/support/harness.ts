import {
  type AttemptsOptions,
  createAttempts,
  createBackupFactor,
  createEnrolments,
  createLedgerLinker,
  createLedgerReader,
  createSelfHostedValidator,
  createSubject,
  createTotpFactor,
  createYubikeyFactor,
  createYubikeys,
  defaultTotpSettings,
  type Enrolment,
  generateLedgerKey,
  guessKey,
  loadLedgerKey,
  loginApplication,
  namedSecret,
  newTotpSecret,
  openVault,
  parseGatePolicies,
  randomId,
  readEntry,
  type Store,
  type Subject,
  systemRandom,
  totp,
  verifyStoredLedger,
} from '@sallyport/core'
import { openStore } from '@sallyport/store'

export const epoch = Date.parse('2026-11-09T12:00:00Z')

export interface HarnessOptions extends Pick<AttemptsOptions, 'limits' | 'lifetime'> {
  /** A path for SQLite, a URL for PostgreSQL; or a store that is open already. */
  location: string | Store
  now?: number
  /** How many backup codes make a set. */
  backupCodes?: number
  /** More factors, or others in the place of the real ones of their kind. */
  factors?: AttemptsOptions['factors']
  /** Stands between the attempts and what they use, to break it. */
  intercept?: (parts: Pick<AttemptsOptions, 'store' | 'vault'>) => Pick<AttemptsOptions, 'store' | 'vault'>
}

export type Harness = Awaited<ReturnType<typeof openHarness>>

/** A phone: what makes the codes of one enrolment. */
export interface Phone {
  enrolment: Enrolment
  /** The code at a moment; now, when none is given. */
  code(at?: number): string
}

/** The real parts, wired as in the product, around a clock that the test turns. Also for child processes. */
export async function openHarness(options: HarnessOptions) {
  const clock = { at: options.now ?? epoch, now: () => clock.at }
  const random = systemRandom
  const { location } = options
  const store = typeof location === 'string' ? await openStore({ location, clock }) : location
  // A vault refuses to seal by a ring that it read a day ago; the tests' days pass in no time.
  const vault = await openVault({
    store,
    masterKey: Buffer.alloc(32, 7),
    clock: { now: () => epoch },
    random,
  })
  const make = () => generateLedgerKey(random)
  const key = loadLedgerKey(await namedSecret({ store, vault, name: 'ledger signing key', make }))
  const ledgerId = 'test'
  store.attachLedger(createLedgerLinker({ ledgerId, ...key, clock }))

  const { limits, lifetime, intercept = (parts) => parts } = options
  const validator = createSelfHostedValidator({ store, vault })
  const yubikeyFactor = createYubikeyFactor({ validator })
  const factors = [createTotpFactor(), createBackupFactor(), yubikeyFactor, ...(options.factors ?? [])]
  const limited = { clock, random, ...(limits && { limits }) }
  const attempts = createAttempts({
    ...limited,
    ...intercept({ store, vault }),
    factors,
    ...(lifetime && { lifetime }),
  })
  const enrolments = createEnrolments({
    ...limited,
    store,
    vault,
    totp: { ...defaultTotpSettings, window: 1 },
    // The same path as in production, with less work on it.
    backup: { format: 'short', count: options.backupCodes ?? 10, iterations: 1_000 },
  })

  const yubikeys = createYubikeys({ ...limited, store, validator })

  async function addSubject(more: Partial<Parameters<typeof createSubject>[0]> = {}): Promise<Subject> {
    const wanted = { application: loginApplication, ref: `subject ${randomId(random)}`, ...more }
    return store.transaction((tx) => createSubject(wanted, { tx, clock, random }))
  }

  /** An active authenticator, none of whose codes is used up yet. */
  async function addPhone(subject: Subject, secret = newTotpSecret(random)): Promise<Phone> {
    const enrolment: Enrolment = {
      id: randomId(random),
      subjectId: subject.id,
      factor: 'totp',
      name: 'Phone',
      status: 'active',
      sealed: vault.seal({ subject: subject.id, purpose: 'totp', plaintext: secret }),
      settings: { ...defaultTotpSettings },
      createdAt: clock.now(),
      confirmedAt: clock.now(),
      revokedAt: null,
      lastUsedAt: null,
      expiresAt: null,
    }
    await store.transaction((tx) => tx.enrolments.insert(enrolment))
    return { enrolment, code: (at = clock.at) => codeOf(secret, at) }
  }

  /** A pending attempt; fails when the policies decide otherwise. */
  async function begin(subject: Subject, policy: object = oneStep) {
    const policies = parseGatePolicies(policy)
    const outcome = await attempts.start({ gate: 'login', purpose: 'sign-in', subject, policies })
    if (outcome.status !== 'pending') throw new Error(`the attempt is ${outcome.status}`)
    return outcome.attempt
  }

  async function verifyOnce(subject: Subject, input: unknown, policy: object = oneStep) {
    const attempt = await begin(subject, policy)
    return attempts.verify({ attemptId: attempt.id, input })
  }

  async function ledgerOf(subject: Subject | string) {
    const filter = { subject: typeof subject === 'string' ? subject : subject.id }
    const entries = await store.read((tx) => tx.ledger.entries(0, 100_000, filter))
    return entries.map(readEntry)
  }

  return {
    store,
    vault,
    clock,
    attempts,
    enrolments,
    yubikeys,
    addSubject,
    addPhone,
    begin,
    verifyOnce,
    guesses: (subject: Subject) => store.read((tx) => tx.guesses.find(guessKey(subject.id))),
    ledgerOf,
    ledgerTypes: async (subject: Subject) => (await ledgerOf(subject)).map(({ type }) => type),
    verifyLedger: () =>
      verifyStoredLedger({ ledger: createLedgerReader(store), ledgerId, publicKey: key.publicKey }),
    async close() {
      await store.close()
      vault.destroy()
    },
  }
}

export function codeOf(secret: Uint8Array, at: number): string {
  return totp({ secret, at, ...defaultTotpSettings })
}

/** A well-formed code that is none of the window's. */
export function wrongCode(phone: Phone, at: number): string {
  const near = new Set([-2, -1, 0, 1, 2].map((steps) => phone.code(at + steps * 30_000)))
  return ['000000', '111111', '222222', '333333', '444444', '555555'].find((code) => !near.has(code))!
}

const step = (id: string, kinds: string | string[]) =>
  typeof kinds === 'string' ? { id, label: id, type: kinds } : { id, label: id, any_of: kinds }

/** A chain of steps, each of one kind or of any of several. */
export function chainOf(kinds: readonly (string | string[])[], more: object = {}) {
  const factors = kinds.map((kind, index) => step(`step${index + 1}`, kind))
  return { mode: 'fixed', requiredSteps: kinds.length, factors, ...more }
}

export const oneStep = chainOf([['totp', 'backup']])
