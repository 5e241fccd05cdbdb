export * from './recorder/recorder.ts'
export type * from './recorder/recording.ts'
