export { authRoutes } from './auth-routes.ts'
export { type Problem, type ProblemCode, problem, problemContentType, type WireCode } from './problem.ts'
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
export { serviceRoutes } from './service-routes.ts'
