import { availableParallelism } from 'node:os'
import {
  checkBcrypt,
  createConsoleMailer,
  createSmtpMailer,
  createWebauthnVerifier,
  openGeoip,
} from '@sallyport/adapters'
import {
  createAttackWatch,
  createAttempts,
  createBackupFactor,
  createDevices,
  createEmailCodes,
  createEmailFactor,
  createEnrolments,
  createHashQueue,
  createInvitations,
  createLinks,
  createOutbox,
  createPasskeySignIn,
  createPasswordCheck,
  createPasswords,
  createRecovery,
  createRelyingParties,
  createSessions,
  createSignIn,
  createSignInRisk,
  createSigningKeys,
  createTotpFactor,
  createUsers,
  createValidationServer,
  createWebauthnChallenges,
  createWebauthnEnrolments,
  createWebauthnFactor,
  createYubikeyFactor,
  createYubikeys,
  type Enrolment,
  type GuessLimits,
  type Letter,
  type Mailer,
  type PasswordScheme,
  SallyportError,
  type SiemEvent,
  spoolEvents,
  type Tx,
  ticketLink,
} from '@sallyport/core'
import type { GateConfig } from '@sallyport/gate-http'
import { type Config, dataPath, fipsRequired } from './config.ts'
import { relyingPartyOf } from './fido2.ts'
import type { Foundation } from './foundation.ts'
import { enforcementOf, loginPolicies, policySourceOf } from './login-policies.ts'
import { readSecretFile, readTextFile } from './secret-file.ts'
import { settingsShown } from './settings-shown.ts'
import { siemOf } from './siem.ts'
import { createThreats } from './threats.ts'
import { yubikeyValidator } from './yubikey-validator.ts'

export type Services = ReturnType<typeof createServices>

interface Log {
  warn(facts: object, message: string): void
}

/** The core's services, each handed what it needs and no more. */
export function createServices(foundation: Foundation, log: Log) {
  const { config, store, vault, clock, random } = foundation
  const limits = guessLimits(config.lockout)
  const passwordScheme: PasswordScheme = fipsRequired(config) ? 'pbkdf2-sha256' : 'argon2id'
  const shared = { store, vault, clock, random, limits }
  const { backup_codes: count, backup_format: format } = config.security.mfa
  const enforcement = enforcementOf(config)
  const policies = loginPolicies(config)

  const validator = yubikeyValidator(foundation)
  const keys = webauthnParts(foundation)
  const factors = [
    createTotpFactor({ window: config.totp.window }),
    createBackupFactor(),
    createEmailFactor(),
    ...(validator ? [createYubikeyFactor({ validator })] : []),
    ...(keys ? [keys.factor] : []),
  ]
  const tellLocked = async (tx: Tx, { subjectId, factor, name }: Enrolment) => {
    const subject = await tx.subjects.find(subjectId)
    if (subject) await outbox.notify(tx, { subject, kind: 'factor_locked', facts: { factor, name } })
  }
  const attempts = createAttempts({ ...shared, factors, tellLocked, lifetime: config.attempts.lifetime })
  const enrolments = createEnrolments({ ...shared, totp: config.totp, backup: { format, count } })
  const outbox = createOutbox({
    store,
    vault,
    clock,
    random,
    mailer: mailerOf(config),
    issuer: config.totp.issuer,
    log,
  })
  const emailCodes = createEmailCodes({ ...shared, outbox, codes: config.email_codes })
  const threats = createThreats(foundation, { log, spoolForSiem: spoolFor(config) })
  const cores = availableParallelism()
  const hashQueue = createHashQueue({ concurrency: cores, waiting: cores * 8 })
  const hashing = { store, vault, clock, random, passwordScheme, hashQueue }
  const {
    guesses,
    guesses_per_address: guessesPerAddress,
    resets,
    resets_per_address: resetsPerAddress,
  } = config.passwords
  const passwordCheck = createPasswordCheck({
    ...hashing,
    bcrypt: checkBcrypt,
    limits: { pair: throttleOf(guesses), address: throttleOf(guessesPerAddress) },
  })
  const sessions = createSessions({
    ...{ store, clock, random, freshFor: config.step_up.fresh_for },
    lifetimes: {
      session: config.sessions.lifetime,
      refresh: config.sessions.refresh_lifetime,
      enrolling: config.sessions.enrolling_lifetime,
    },
  })
  const passwords = createPasswords({
    ...{ ...hashing, passwordCheck, sessions },
    limits: { subject: throttleOf(resets), address: throttleOf(resetsPerAddress) },
    notify: async (tx, subject, kind, facts) => {
      await outbox.notify(tx, { subject, kind, facts: withLink(facts, publicUrlOf(config)) })
    },
  })
  const { enabled: devicesTrusted, lifetime } = config.security.mfa.trusted_devices
  const devices = createDevices({ store, clock, random, outbox, lifetime: devicesTrusted ? lifetime : 0 })
  const { geoip_file: geoipFile } = config.security.threat_detection
  const risk = createSignInRisk({
    ...{ clock, watch: createAttackWatch({ clock, random }) },
    ...(geoipFile !== undefined && { locate: openGeoip(dataPath(config, geoipFile)) }),
  })
  const signIn = createSignIn({
    risk,
    ...{ store, attempts, sessions, devices, passwordCheck, clock, policies, enforcement },
  })
  const passkeys =
    keys && createPasskeySignIn({ ...keys.shared, attempts, policies, risk, devices, factor: keys.factor })
  const signingKeys = createSigningKeys({ store, vault, clock })
  const issueLink = createLinks({ clock, random, outbox, publicUrl: publicUrlOf(config) })
  const invitations = createInvitations({ ...hashing, issueLink })
  const recovery = createRecovery({ store, clock, random, sessions, passwordCheck, outbox, issueLink })
  const users = createUsers({ store, clock, sessions })
  const yubikeys = validator && createYubikeys({ ...shared, validator })
  const validationServer = createValidationServer({ store, vault, clock, log })
  return {
    ...{ yubikeys, validationServer },
    ...{ attempts, enrolments, outbox, emailCodes, sessions, passwords, signIn, signingKeys },
    ...{ devices, enforcement, policies, passwordScheme, invitations, recovery, users, ...threats },
    ...{ passkeys, webauthn: keys?.enrolments ?? null },
    siem: siemOf(config),
  }
}

/** Stores events for the SIEM with what they tell of; without a SIEM, nothing is stored. */
function spoolFor({ siem }: Config) {
  return async (tx: Tx, events: readonly SiemEvent[]): Promise<void> => {
    if (siem) await spoolEvents(tx, events, { mostEvents: siem.spool.max_events })
  }
}

/** What security keys need, or nothing where they are switched off. */
function webauthnParts({ config, store, vault, clock, random }: Foundation) {
  const { fido2 } = config.security.mfa
  if (!fido2.enabled) return null
  const lifetime = config.attempts.lifetime
  const own = relyingPartyOf({ ...fido2, issuer: config.totp.issuer, publicUrl: publicUrlOf(config) })
  const relyingParty = createRelyingParties({ store, own })
  const challenges = createWebauthnChallenges({ store, vault, clock, random, lifetime })
  const shared = { store, vault, clock, random, challenges, relyingParty, lifetime }
  const verifier = createWebauthnVerifier()
  const { user_verification: userVerification, attestation, aaguids } = fido2
  return {
    shared,
    factor: createWebauthnFactor({ ...shared, verifier, userVerification: userVerification === 'required' }),
    enrolments: createWebauthnEnrolments({ ...shared, verifier, userVerification, attestation, aaguids }),
  }
}

/** Where people find this installation: what links lead to. */
export function publicUrlOf({ public_url: configured, listen }: Config): string {
  const { port } = listen
  // All addresses of a machine are none that a link could lead to.
  const host = isAnyAddress(listen.host) ? 'localhost' : listen.host
  const url = configured ?? `http://${host.includes(':') ? `[${host}]` : host}:${port}`
  return url.replace(/\/+$/, '')
}

export function isAnyAddress(host: string): boolean {
  return host === '0.0.0.0' || host === '::'
}

/** What the HTTP gate needs to know of the configuration. */
export function gateConfig({
  config,
  ledger,
}: Pick<Foundation, 'config' | 'ledger'>): Omit<GateConfig, 'version'> {
  const publicUrl = publicUrlOf(config)
  return {
    publicUrl,
    // Nodes on one store take each other's tokens, whatever port each of them listens on.
    issuer: config.public_url === undefined ? `urn:sallyport:${ledger.id}` : publicUrl,
    trustedProxies: config.trusted_proxies,
    blockFor: config.security.threat_detection.ip_block_duration,
    secureCookies: publicUrl.startsWith('https:'),
    totpIssuer: config.totp.issuer,
    roles: config.roles,
    policySource: policySourceOf(config),
    settings: settingsShown(config),
    pages: null,
  }
}

/** A token goes out as the link that uses it; after the `#`, so that no server on the way logs it. */
function withLink({ token, ...facts }: Letter['facts'], publicUrl: string): Letter['facts'] {
  return token === undefined
    ? facts
    : { ...facts, link: ticketLink(publicUrl, { purpose: 'password_reset', token }) }
}

type Throttle = Config['passwords']['guesses']

function throttleOf({ attempts, within, lock_for: lockFor, decay_after: decayAfter }: Throttle) {
  return { attempts, within, lockFor, decayAfter }
}

function guessLimits({ ceiling, ...throttle }: Config['lockout']): GuessLimits {
  return { ...throttleOf(throttle), ceiling }
}

function mailerOf({ mail }: Config): Mailer {
  if (!mail.smtp) return createConsoleMailer()
  const { host, port, secure, user, password, password_file: passwordFile, ca_file: caFile } = mail.smtp
  if (password !== undefined && passwordFile !== undefined) {
    throw new SallyportError(
      'config_invalid',
      'mail.smtp.password: name either password or password_file, not both',
    )
  }
  const secret =
    passwordFile === undefined ? password : readSecretFile('mail.smtp.password_file', passwordFile)
  return createSmtpMailer({
    ...{ host, port, secure, from: mail.from },
    ...(user === undefined ? {} : { user }),
    ...(secret === undefined ? {} : { password: secret }),
    ...(caFile === undefined ? {} : { ca: readTextFile('mail.smtp.ca_file', caFile) }),
  })
}
