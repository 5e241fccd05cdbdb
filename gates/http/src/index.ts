export { createHttpGate, type HttpGate, type HttpGateOptions } from './http-gate.ts'
