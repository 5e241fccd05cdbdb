export {
  type BundledTechnician,
  type BundleRequest,
  parseBundleRequest,
  requestFingerprint,
  sealBundle,
} from './bundle/bundle.ts'
export {
  acceptedBefore,
  type DirectorySource,
  openBundleKey,
  readBundle,
  stateOf,
  untimely,
} from './bundle/directory.ts'
export {
  generateBundleKey,
  isBundleKeyInline,
  parseBundleKey,
} from './bundle/signing.ts'
export { holdsClearSecret, parseShimConfig, type ShimConfig, whoCannotPass } from './config/shim-config.ts'
export {
  type ListedTechnician,
  type ProgrammedYubikey,
  parseTechnicianFile,
} from './config/technician-file.ts'
export { callControl, serveControl } from './control/control-socket.ts'
export { checkReason, shimControl } from './control/shim-control.ts'
export { createBreakGlass } from './decide/break-glass.ts'
export { type SealedFactor, sealFactorText } from './decide/sealed-factor.ts'
export { endpointOf } from './endpoints/open-endpoint.ts'
export { createAlerts } from './evidence/alerts.ts'
export { createForwarding } from './evidence/forward-recordings.ts'
export * from './recorder/export/export-recording.ts'
export { harmlessLine } from './recorder/harmless.ts'
export type { RecordingFooter, StoredHeader } from './recorder/header.ts'
export * from './recorder/play-recording.ts'
export * from './recorder/read-recording.ts'
export * from './recorder/recorder.ts'
export type { RecorderFs } from './recorder/recorder-fs.ts'
export type * from './recorder/recording.ts'
export { parseMarks, type RecordingMark } from './recorder/recording-mark.ts'
export { generateAuditorKey, parseAuditorKey, parseAuditorPrivateKey } from './recorder/session-key.ts'
export { listRecordings, type RecordingSummary, summarize } from './recorder/sessions-directory.ts'
export { openSigningKey, publicKeyFile } from './recorder/signing-key.ts'
export {
  type RecordingVerification,
  type VerifyRecordingOptions,
  verifyRecording,
} from './recorder/verify-recording.ts'
export { createShim, type Shim, type ShimLog } from './shim.ts'
export { checkHeartbeats } from './tamper/heartbeat.ts'
export { createHeartbeatLog } from './tamper/heartbeat-log.ts'
export { createIntegrity } from './tamper/integrity.ts'
export type { Sensor } from './tamper/sensor.ts'
export { sensorRules } from './tamper/sensors.ts'
export { createTamperWatch } from './tamper/tamper-watch.ts'
export { systemTimers } from './timers.ts'
export { parseX25519, x25519Text } from './x25519.ts'
