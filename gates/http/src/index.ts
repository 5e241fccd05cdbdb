export { createHttpGate, type HttpGate } from './http-gate.ts'
export type { GateConfig, GateServices } from './services.ts'
