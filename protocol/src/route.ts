import type { z } from 'zod'
import type { ProblemCode } from './problem.ts'

export type Method = 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE'

/**
 * Who may call. A gate checks this before anything else of the request is looked at.
 *
 * - `public`: anybody; `pending`: whoever holds the `temp_token` that the body carries
 * - `session`: a signed-in person; `enrolling`: also one whose session may only enrol a factor
 * - `proven`: a signed-in person who gave fresh proof in the last five minutes, where any factor is enrolled
 * - `admin`: a person with the role `admin`; `proven_admin`: one with fresh proof as well
 * - `key:…`: an application's key with that scope
 * - `security:…`: an application's key with that scope, or an administrator: to write, with fresh proof
 */
export type Access =
  | 'public'
  | 'pending'
  | 'session'
  | 'enrolling'
  | 'proven'
  | 'admin'
  | 'proven_admin'
  | 'key:mfa:read'
  | 'key:mfa:write'
  | 'key:security:read'
  | 'key:security:write'
  | 'security:read'
  | 'security:write'

/** One call of the wire contract: what validates it is what documents it. */
export interface Route<
  Params extends z.ZodType = z.ZodType,
  Query extends z.ZodType = z.ZodType,
  Body extends z.ZodType = z.ZodType,
  Answer extends z.ZodType = z.ZodType,
> {
  method: Method
  /** With named parts: `/auth/sessions/:id`. */
  path: string
  /** One sentence for the documentation. */
  summary: string
  access: Access
  params: Params
  query: Query
  body: Body
  answer: Answer
  /** The answer's media type, where it is not JSON. */
  media?: string
  /** What else it may answer; what every call may answer (`invalid_input`, `internal`, …) goes unsaid. */
  problems: readonly ProblemCode[]
}

export type ParamsOf<R extends Route> = z.output<R['params']>
export type QueryOf<R extends Route> = z.output<R['query']>
export type BodyOf<R extends Route> = z.output<R['body']>
/** What a handler returns: the schema's input side, before it is serialised. */
export type AnswerOf<R extends Route> = z.input<R['answer']>

/** A table of routes, with each one's schemas kept as they are typed. */
export function defineRoutes<const Table extends Record<string, Route>>(table: Table): Table {
  return table
}
