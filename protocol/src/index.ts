export { adminRoutes } from './admin-routes.ts'
export { analyzeRoutes } from './analyze-routes.ts'
export { authRoutes } from './auth-routes.ts'
export { ledgerVerdict } from './ledger-verdict.ts'
export { createOpenApi, type JsonSchema, type OpenApi, type Operation } from './openapi.ts'
export { operatorRoutes } from './operator-routes.ts'
export { type Problem, type ProblemCode, problem, problemContentType, type WireCode } from './problem.ts'
export { problemCodes, problemMeanings, statusOf } from './problem-meanings.ts'
export {
  type Access,
  type AnswerOf,
  type BodyOf,
  defineRoutes,
  type Method,
  type ParamsOf,
  type QueryOf,
  type Route,
} from './route.ts'
export { securityRoutes } from './security-routes.ts'
export { serviceRoutes } from './service-routes.ts'
export { webauthnRoutes } from './webauthn-routes.ts'
export { yubikeyRoutes } from './yubikey-routes.ts'
