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
