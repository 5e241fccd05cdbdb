export * from './address.ts'
export * from './application/api-keys.ts'
export type { Attempt, AttemptStatus, PassedStep } from './chain/attempt.ts'
export type * from './chain/attempt-calls.ts'
export { endedAt, guessKey, lockSubject } from './chain/attempt-context.ts'
export * from './chain/attempts.ts'
export type { DecisionFacts } from './chain/conditions.ts'
export { drawChain } from './chain/draw.ts'
export * from './chain/explain.ts'
export * from './chain/explain-subject.ts'
export * from './chain/orchestrator.ts'
export {
  type ChainPolicy,
  type FactorDefinition,
  parsePolicy,
  RESET,
  stepKinds,
} from './chain/policy.ts'
export { recordedDecisions } from './chain/recorded-decisions.ts'
export * from './chain/replay.ts'
export {
  type Decision,
  decide,
  defaultLoginPolicies,
  type GatePolicies,
  type GateRule,
  parseGatePolicies,
} from './chain/rules.ts'
export { type Clock, type Random, randomId, randomInteger, systemClock, systemRandom } from './clock.ts'
export * from './enrolment/email-codes.ts'
export * from './enrolment/enforcement.ts'
export * from './enrolment/enrolments.ts'
export * from './enrolment/relying-parties.ts'
export * from './enrolment/remove-factors.ts'
export * from './enrolment/webauthn-challenges.ts'
export * from './enrolment/webauthn-enrolments.ts'
export {
  type CreationOptions,
  type RequestOptions,
  webauthnAlgorithms,
} from './enrolment/webauthn-options.ts'
export * from './enrolment/yubikeys.ts'
export * from './errors.ts'
export * from './factors/backup.ts'
export type * from './factors/challenge.ts'
export { createEmailFactor, emailUsable } from './factors/email.ts'
export * from './factors/factor.ts'
export * from './factors/password.ts'
export * from './factors/shape.ts'
export { decodeSecret, encodeSecret } from './factors/shared/base32.ts'
export { fingerprint } from './factors/shared/fingerprint.ts'
export * from './factors/shared/otp.ts'
export type { BcryptCheck } from './factors/shared/password-hashes.ts'
export * from './factors/shared/provisioning-uri.ts'
export { checkTotpSettings, defaultTotpSettings, type TotpSettings } from './factors/shared/totp-settings.ts'
export * from './factors/totp.ts'
export {
  createWebauthnFactor,
  credentialOf,
  passkeyBinding,
  type RegisteredCredential,
  type RelyingParty,
  type WebauthnChallenges,
  type WebauthnFault,
  type WebauthnVerifier,
} from './factors/webauthn.ts'
export * from './factors/yubikey.ts'
export * from './guard/guard.ts'
export { hmac } from './hmac.ts'
export { type LedgerBody, readEntry } from './ledger/canonical.ts'
export { checkpointText, isSignedCheckpoint, parseCheckpoint } from './ledger/checkpoint.ts'
export * from './ledger/entry.ts'
export * from './ledger/export.ts'
export * from './ledger/keys.ts'
export * from './ledger/linker.ts'
export * from './ledger/retention.ts'
export type * from './ledger/verification.ts'
export * from './ledger/verify.ts'
export type * from './mail/letter.ts'
export * from './mail/letters.ts'
export * from './mail/outbox.ts'
export { consume } from './once.ts'
export { type Adoption, countAdoption } from './overview/adoption.ts'
export { createRarely } from './overview/rarely.ts'
export * from './qr.ts'
export * from './session/activity.ts'
export * from './session/browser.ts'
export * from './session/devices.ts'
export * from './session/hash-queue.ts'
export * from './session/passkey-sign-in.ts'
export * from './session/password-check.ts'
export * from './session/password-strength.ts'
export * from './session/passwords.ts'
export type * from './session/session.ts'
export * from './session/sessions.ts'
export * from './session/sign-in.ts'
export * from './session/signing-keys.ts'
export * from './session/tickets.ts'
export { faultsOf, text } from './settings/document.ts'
export * from './settings/settings.ts'
export {
  isAlert,
  type SiemEvent,
  type SiemSeverity,
  type SiemSource,
} from './siem/event.ts'
export * from './siem/formats.ts'
export * from './siem/shipper.ts'
export * from './siem/spool.ts'
export type * from './store.ts'
export * from './subject/import.ts'
export { type ImportRecord, importColumns } from './subject/import-row.ts'
export * from './subject/invitations.ts'
export * from './subject/links.ts'
export * from './subject/recovery.ts'
export * from './subject/subjects.ts'
export * from './subject/users.ts'
export * from './technicians/issue-bundle.ts'
export type * from './technicians/stored.ts'
export { type AddressKey, addressKey, keyOf } from './threat/address-key.ts'
export * from './threat/address-table.ts'
export { createAddressView, readRange } from './threat/address-view.ts'
export { type AttackWatch, createAttackWatch } from './threat/attack-watch.ts'
export type * from './threat/block.ts'
export * from './threat/blocks.ts'
export {
  createDetector,
  type Detector,
  type DetectorSettings,
  defaultDetectorSettings,
  type JudgedRequest,
  type Judgement,
} from './threat/detector.ts'
export * from './threat/event.ts'
export { type ThreatCategory, threatCategories } from './threat/pattern.ts'
export { patterns } from './threat/patterns.ts'
export { createRangeTrie } from './threat/range-trie.ts'
export { createRapidRequests, defaultRapidLimits, type RapidLimits } from './threat/rapid-requests.ts'
export { assessRisk, type Place, type Risk } from './threat/risk.ts'
export {
  createSignInRisk,
  type KeptSignIn,
  type Locate,
  type SignInPort,
  type SignInRisk,
} from './threat/sign-in-risk.ts'
export {
  createSuspicion,
  type Suspicion,
  type SuspicionReport,
  type SuspicionSettings,
} from './threat/suspicion.ts'
export * from './threat/threat-log.ts'
export * from './threat/threat-reads.ts'
export { aesGcmOpen, aesGcmSeal } from './vault/aes-gcm.ts'
export * from './vault/kdf.ts'
export * from './vault/named-secret.ts'
export * from './vault/rotate-keys.ts'
export * from './vault/vault.ts'
export * from './yubikey/import-yubikeys.ts'
export { encodeModhex } from './yubikey/modhex.ts'
export { crc16, isPublicId, openBlock, parseOtp, spendOf, type YubikeyOtp } from './yubikey/otp.ts'
export type * from './yubikey/otp-validator.ts'
export { createSelfHostedValidator, yubikeyBinding } from './yubikey/self-hosted.ts'
export type * from './yubikey/stored.ts'
export * from './yubikey/validation-clients.ts'
export * from './yubikey/validation-protocol.ts'
export { createValidationServer, type ValidationServer } from './yubikey/validation-server.ts'
