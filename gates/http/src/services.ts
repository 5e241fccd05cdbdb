import type {
  Attempts,
  Blocks,
  Clock,
  Devices,
  EmailCodes,
  Enforcement,
  Enrolments,
  GatePolicies,
  Invitations,
  LedgerKey,
  Outbox,
  PasskeySignIn,
  Passwords,
  Random,
  Recovery,
  Sessions,
  SignIn,
  SigningKeys,
  Store,
  Suspicion,
  ThreatLog,
  ThreatReads,
  Users,
  ValidationServer,
  Vault,
  WebauthnEnrolments,
  Yubikeys,
} from '@sallyport/core'
import type { Measure } from './metrics.ts'

/** What the gate is handed: the core's services, wired elsewhere. It never sees a database or a file. */
export interface GateServices {
  store: Store
  vault: Vault
  clock: Clock
  random: Random
  attempts: Attempts
  blocks: Blocks
  devices: Devices
  enrolments: Enrolments
  emailCodes: EmailCodes
  enforcement: Enforcement
  invitations: Invitations
  ledger: LedgerKey & { id: string }
  outbox: Outbox
  /** Both `null` where security keys are switched off. */
  webauthn: WebauthnEnrolments | null
  passkeys: PasskeySignIn | null
  passwords: Passwords
  /** Those of the login gate, in force. */
  policies: GatePolicies
  recovery: Recovery
  sessions: Sessions
  signIn: SignIn
  signingKeys: SigningKeys
  suspicion: Suspicion
  threatLog: ThreatLog
  threatReads: ThreatReads
  users: Users
  /** `null` where YubiKeys are turned off. */
  yubikeys: Yubikeys | null
  validationServer: ValidationServer
  /** Named checks of what the gate needs to decide; each rejects when that part cannot do its work. */
  readiness: Readonly<Record<string, () => Promise<void>>>
  /** What `/metrics` says besides what the gate knows itself. */
  measures?: readonly Measure[]
  /** Told when forwarding headers come from a loopback proxy that is not trusted. */
  onUntrustedProxy?: (address: string) => void
  log: { error(facts: object, message: string): void }
}

/** What people may be offered: a factor to enrol, or another comfort. */
export type Offer = 'totp' | 'email' | 'backup' | 'yubikey' | 'webauthn' | 'passkey'

export interface GateConfig {
  version: string
  /** Who issues tokens: the same on every node of an installation. */
  issuer: string
  /** Where people find it: what links lead to, and where its own pages come from. */
  publicUrl: string
  /** Proxies whose forwarding headers are believed. */
  trustedProxies: readonly string[]
  /** How long a block lasts, in milliseconds, when nobody says. */
  blockFor: number
  /** Whether cookies are marked `Secure`: everywhere but on plain HTTP. */
  secureCookies: boolean
  /** What authenticator apps show as the name of this installation. */
  totpIssuer: string
  /** The configured roles, besides those that always exist. */
  roles: readonly string[]
  /** Where the policies in force come from. */
  policySource: 'default' | 'file' | 'off'
  /** Where the built pages are, and what they offer; `null` where the API is all there is. */
  pages: { folder: string; offers(): Promise<readonly Offer[]> } | null
  /** What is in force, for administrators to see; no secret is in it. */
  settings: Readonly<Record<string, unknown>>
}
