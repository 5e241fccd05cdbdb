import type {
  adminRoutes,
  analyzeRoutes,
  authRoutes,
  operatorRoutes,
  Route,
  securityRoutes,
  serviceRoutes,
  webauthnRoutes,
  yubikeyRoutes,
} from '@sallyport/protocol'

type In<Table> = Table[keyof Table]
type Routes =
  | In<typeof adminRoutes>
  | In<typeof analyzeRoutes>
  | In<typeof authRoutes>
  | In<typeof operatorRoutes>
  | In<typeof securityRoutes>
  | In<typeof serviceRoutes>
  | In<typeof webauthnRoutes>
  | In<typeof yubikeyRoutes>

type Named = { [R in Routes as `${R['method']} ${R['path']}`]: R }

/** A call by its method and path, as the API's reference names it: `POST /auth/login`. */
export type Call = keyof Named

type Schema = Route['answer']
type Sent<S extends Schema> = S['_zod']['input']

export type Params<C extends Call> = Sent<Named[C]['params']>
export type Query<C extends Call> = Sent<Named[C]['query']>
export type Body<C extends Call> = Sent<Named[C]['body']>
export type Answer<C extends Call> = Named[C]['answer']['_zod']['output']

/** Nothing to give where the route takes nothing; may be left out where all of it may be. */
type Part<Name extends string, Value> =
  Record<string, never> extends Required<Value>
    ? { [name in Name]?: never }
    : Partial<Value> extends Value
      ? { [name in Name]?: Value }
      : { [name in Name]: Value }

export type Request<C extends Call> = Part<'params', Params<C>> &
  Part<'query', Query<C>> &
  Part<'body', Body<C>> & { signal?: AbortSignal }
