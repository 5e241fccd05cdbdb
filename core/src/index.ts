export * from './address.ts'
export type { Attempt, AttemptStatus, PassedStep } from './chain/attempt.ts'
export * from './chain/attempts.ts'
export type { DecisionFacts } from './chain/conditions.ts'
export { drawChain } from './chain/draw.ts'
export * from './chain/explain.ts'
export * from './chain/orchestrator.ts'
export {
  type ChainPolicy,
  type FactorDefinition,
  parsePolicy,
  RESET,
  stepKinds,
} from './chain/policy.ts'
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
export * from './enrolment/enrolments.ts'
export * from './errors.ts'
export * from './factors/backup.ts'
export type * from './factors/challenge.ts'
export * from './factors/factor.ts'
export * from './factors/password.ts'
export * from './factors/shape.ts'
export { decodeSecret, encodeSecret } from './factors/shared/base32.ts'
export { fingerprint } from './factors/shared/fingerprint.ts'
export * from './factors/shared/otp.ts'
export * from './factors/shared/provisioning-uri.ts'
export { checkTotpSettings, defaultTotpSettings, type TotpSettings } from './factors/shared/totp-settings.ts'
export * from './factors/totp.ts'
export * from './guard/guard.ts'
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
export { consume } from './once.ts'
export * from './qr.ts'
export type * from './session/session.ts'
export type * from './store.ts'
export * from './subject/subjects.ts'
export * from './vault/kdf.ts'
export * from './vault/named-secret.ts'
export * from './vault/rotate-keys.ts'
export * from './vault/vault.ts'
