import { createHook } from 'node:async_hooks'
import {
  createAttackWatch,
  createDevices,
  createHashQueue,
  createPasswordCheck,
  createPasswords,
  createSessions,
  createSignIn,
  createSignInRisk,
  defaultEnforcement,
  defaultLoginPolicies,
  type Enforcement,
  type GatePolicies,
  type HashQueue,
  hashPassword,
  type Letter,
  type PasswordLimits,
  type PasswordScheme,
  randomId,
  type Session,
  type Sessions,
  type Store,
  type Subject,
  storePassword,
  systemRandom,
  type Tx,
} from '@sallyport/core'
import type { Harness } from './harness.ts'

export const password = 'correct horse battery staple'
export const home = { address: '198.51.100.7', userAgent: 'Firefox' }

export interface LoginOptions {
  policies?: GatePolicies
  enforcement?: Enforcement
  limits?: PasswordLimits
  hashQueue?: HashQueue
  passwordScheme?: PasswordScheme
  /** Stands in the place of the harness's store, to break it. */
  store?: Store
  /** Stands around the sessions that a sign-in opens. */
  around?: (sessions: Sessions) => Sessions
}

export type Login = ReturnType<typeof createLogin>

/** How many passwords were hashed while `action` ran: counted where Node hands them to its threads. */
export async function countHashes(action: () => Promise<unknown>): Promise<number> {
  let hashes = 0
  const hook = createHook({
    init(_, type) {
      if (type === 'ARGON2REQUEST' || type === 'PBKDF2REQUEST') hashes++
    },
  }).enable()
  await action()
  hook.disable()
  return hashes
}

const hashes = new Map<string, Promise<string>>()

/** Signing in as it is wired in the product, over the harness's store, vault and clock. */
export function createLogin(harness: Harness, options: LoginOptions = {}) {
  const { vault, clock, attempts } = harness
  const { store = harness.store, passwordScheme = 'argon2id', around = (sessions) => sessions } = options
  const random = systemRandom
  const hashQueue = options.hashQueue ?? createHashQueue({ concurrency: 4, waiting: 1_000 })
  const letters: Letter[] = []
  async function notify(_: Tx, subject: Subject, kind: Letter['kind'], facts: Letter['facts']) {
    letters.push({ to: subject.email!, kind, facts })
  }
  const shared = { store, vault, clock, random, passwordScheme, hashQueue }
  const sessions = around(createSessions({ store, clock, random }))
  const passwordCheck = createPasswordCheck({ ...shared, ...(options.limits && { limits: options.limits }) })
  const { policies = defaultLoginPolicies, enforcement = defaultEnforcement } = options
  const outbox = {
    notify: async (
      _: Tx,
      { subject, kind, facts }: { subject: Subject } & Pick<Letter, 'kind' | 'facts'>,
    ) => {
      letters.push({ to: subject.email!, kind, facts })
      return true
    },
  }
  const devices = createDevices({ store, clock, random, outbox })
  const risk = createSignInRisk({ clock, watch: createAttackWatch({ clock, random }) })
  const signIn = createSignIn({
    risk,
    ...{ store, attempts, sessions, devices, passwordCheck, clock, policies, enforcement },
  })
  const passwords = createPasswords({ ...shared, passwordCheck, sessions, notify })

  async function addUser(more: Parameters<Harness['addSubject']>[0] = {}): Promise<Subject> {
    const email = more.email ?? `user.${randomId(random)}@example.org`
    const subject = await harness.addSubject({ ref: email, email, emailVerified: true, ...more })
    if (!hashes.has(passwordScheme)) {
      hashes.set(passwordScheme, hashPassword(password, { scheme: passwordScheme, random }))
    }
    const plaintext = Buffer.from(await hashes.get(passwordScheme)!)
    const sealed = vault.seal({ subject: subject.id, purpose: 'password', plaintext })
    await store.transaction((tx) => storePassword({ subject, sealed }, { tx, clock, random }))
    return subject
  }

  const attempt = (user: Subject, more: object = {}) =>
    signIn.withPassword({ email: user.email!, password, ...home, ...more })

  return {
    ...{ sessions, devices, signIn, passwords, addUser, letters },
    attempt,
    wrong: (user: Subject, more: object = {}) => attempt(user, { password: 'not the password', ...more }),
    /** A sign-in that needs no second factor; fails when it does. */
    async open(user: Subject) {
      const outcome = await attempt(user)
      if (outcome.status !== 'signed_in') throw new Error(`the sign-in is ${outcome.status}`)
      return outcome
    },
    /** A sign-in that stands before its second factor; fails when it does not. */
    async begin(user: Subject) {
      const outcome = await attempt(user)
      if (outcome.status !== 'mfa') throw new Error(`the sign-in is ${outcome.status}`)
      return outcome
    },
    verify: (attemptId: string, input: unknown) =>
      attempts.verify({ attemptId, input, grant: (tx, done) => signIn.finish(tx, done, home) }),
    change: (session: Session, more: object = {}) =>
      passwords.changePassword({ session, current: password, next: 'Zm4!kq9(xBtw', ...home, ...more }),
    /** The token of a browser at home that is trusted from now on. */
    trust: async (user: Subject) =>
      (await store.transaction((tx) => devices.remember(tx, { subject: user, token: null, ...home }))).token,
    disable: (user: Subject) =>
      harness.store.transaction((tx) => tx.subjects.update(user.id, { disabledAt: clock.now() })),
  }
}
