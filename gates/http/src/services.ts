import type {
  Attempts,
  Clock,
  EmailCodes,
  Enforcement,
  Enrolments,
  Outbox,
  Passwords,
  Random,
  Sessions,
  SignIn,
  SigningKeys,
  Store,
  Vault,
} from '@sallyport/core'

/** What the gate is handed: the core's services, wired elsewhere. It never sees a database or a file. */
export interface GateServices {
  store: Store
  vault: Vault
  clock: Clock
  random: Random
  attempts: Attempts
  enrolments: Enrolments
  emailCodes: EmailCodes
  enforcement: Enforcement
  outbox: Outbox
  passwords: Passwords
  sessions: Sessions
  signIn: SignIn
  signingKeys: SigningKeys
  /** Named checks of what the gate needs to decide; each rejects when that part cannot do its work. */
  readiness: Readonly<Record<string, () => Promise<void>>>
  log: { error(facts: object, message: string): void }
}

export interface GateConfig {
  version: string
  /** Who issues tokens: the public URL of this installation. */
  issuer: string
  /** Proxies whose forwarding headers are believed. */
  trustedProxies: readonly string[]
  /** Whether cookies are marked `Secure`: everywhere but on plain HTTP. */
  secureCookies: boolean
  /** What authenticator apps show as the name of this installation. */
  totpIssuer: string
}
