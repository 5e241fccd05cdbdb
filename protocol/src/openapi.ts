import { z } from 'zod'
import { type ProblemCode, problemContentType } from './problem.ts'
import { problemCodes, problemMeanings, statusOf } from './problem-meanings.ts'
import type { Access, Route } from './route.ts'

/** The part of JSON Schema 2020-12 that is looked into here; the document may hold all of it. */
export interface JsonSchema {
  $ref?: string
  type?: string | string[]
  description?: string
  properties?: Record<string, JsonSchema>
  required?: string[]
  additionalProperties?: boolean | JsonSchema
  items?: JsonSchema
  anyOf?: JsonSchema[]
  oneOf?: JsonSchema[]
  allOf?: JsonSchema[]
  enum?: unknown[]
  const?: unknown
  default?: unknown
  format?: string
  pattern?: string
  minLength?: number
  maxLength?: number
  minimum?: number
  maximum?: number
  minItems?: number
  maxItems?: number
}

interface Parameter {
  name: string
  in: 'path' | 'query'
  required: boolean
  description?: string
  schema: JsonSchema
}

type Content = Record<string, { schema: JsonSchema }>

export interface Operation {
  operationId: string
  summary: string
  tags: string[]
  security: Record<string, string[]>[]
  parameters?: Parameter[]
  requestBody?: { required: boolean; content: Content }
  responses: Record<string, { description: string; content: Content }>
  /** Who may call, in the product's own words. */
  'x-access': Access
}

export interface OpenApi {
  openapi: '3.1.0'
  jsonSchemaDialect: string
  info: { title: string; version: string; description: string; license: { name: string; identifier: string } }
  tags: { name: string; description: string }[]
  paths: Record<string, Record<string, Operation>>
  components: { schemas: Record<string, JsonSchema>; securitySchemes: Record<string, object> }
}

const surfaces = [
  { prefix: '/auth/', name: 'Login', description: 'For people and their browsers.' },
  { prefix: '/api/mfa/', name: 'Service', description: 'For applications that own their users.' },
  { prefix: '/api/security/', name: 'Security', description: 'Threats, and what is blocked.' },
  { prefix: '/api/admin/', name: 'Admin', description: 'For administrators, with fresh proof.' },
  { prefix: '/', name: 'Operators', description: 'For those who run the product.' },
] as const

const description = `JSON in, JSON out; times are ISO 8601 in UTC. Unknown fields in a request are refused, and so is a body
of more than 64 KiB. Errors are RFC 9457 problems with a stable \`code\`. Answers and problems may gain fields.`

/** The routes as an OpenAPI 3.1 document: the schemas that validate requests are the ones that it shows. */
export function createOpenApi(options: { version: string; routes: readonly Route[] }): OpenApi {
  const { version, routes } = options
  const paths: OpenApi['paths'] = {}
  for (const route of routes) {
    const path = route.path.replaceAll(/:(\w+)/g, '{$1}')
    paths[path] ??= {}
    paths[path][route.method.toLowerCase()] = describeRoute(route)
  }
  const used = new Set(routes.map((route) => surfaceOf(route.path).name))
  return {
    openapi: '3.1.0',
    jsonSchemaDialect: 'https://json-schema.org/draft/2020-12/schema',
    info: {
      title: 'Sallyport',
      version,
      description,
      license: { name: 'Apache-2.0', identifier: 'Apache-2.0' },
    },
    tags: surfaces
      .filter(({ name }) => used.has(name))
      .map(({ name, description }) => ({ name, description })),
    paths,
    components: { schemas: { Problem: problemSchema }, securitySchemes },
  }
}

function describeRoute(route: Route): Operation {
  const { method, path, summary, access } = route
  const parameters = [...parametersIn('path', route.params), ...parametersIn('query', route.query)]
  const body = toSchema(route.body, 'input')
  const takesBody = method !== 'GET' && Object.keys(body.properties ?? { any: {} }).length > 0
  const required = !z.safeParse(route.body, {}).success
  const media = route.media ?? 'application/json'
  return {
    operationId: `${method.toLowerCase()}${path.replaceAll(/[^A-Za-z0-9]+/g, '_')}`.replace(/_+$/, ''),
    summary,
    tags: [surfaceOf(path).name],
    security: securityOf(access),
    ...(parameters.length > 0 && { parameters }),
    ...(takesBody && { requestBody: { required, content: { 'application/json': { schema: body } } } }),
    responses: {
      200: { description: 'Done.', content: { [media]: { schema: toSchema(route.answer, 'output') } } },
      ...describeProblems(problemsOf(route)),
    },
    'x-access': access,
  }
}

function surfaceOf(path: string) {
  return surfaces.find(({ prefix }) => path.startsWith(prefix))!
}

function parametersIn(place: Parameter['in'], schema: z.ZodType): Parameter[] {
  const { properties = {}, required = [] } = toSchema(schema, 'input')
  return Object.entries(properties).map(([name, { description, ...schema }]) => ({
    name,
    in: place,
    required: place === 'path' || required.includes(name),
    ...(description !== undefined && { description }),
    schema,
  }))
}

function toSchema(schema: z.ZodType, io: 'input' | 'output'): JsonSchema {
  const { $schema: _, ...plain } = z.toJSONSchema(schema, {
    io,
    override: ({ jsonSchema }) => {
      // What says nothing to a reader: the bounds of every whole number, a time's pattern beside its format.
      if (jsonSchema.maximum === Number.MAX_SAFE_INTEGER) delete jsonSchema.maximum
      if (jsonSchema.minimum === Number.MIN_SAFE_INTEGER) delete jsonSchema.minimum
      if (jsonSchema.format !== undefined) delete jsonSchema.pattern
      // Answers may gain fields; requests may not.
      if (io === 'output' && jsonSchema.additionalProperties === false) delete jsonSchema.additionalProperties
    },
  })
  return plain as JsonSchema
}

const keyed: ProblemCode[] = ['invalid_api_key', 'forbidden']
const signedIn: ProblemCode[] = ['invalid_token']

/** What every path may answer: to a blocked address, to a page elsewhere, and when what it stands on fails. */
const everywhere: ProblemCode[] = ['ip_blocked', 'csrf_refused', 'internal', 'store_unavailable']

/** What the gate may answer besides, before a handler runs and when what it stands on fails. */
const always: ProblemCode[] = [
  ...everywhere,
  ...(['invalid_input', 'store_conflict', 'store_damaged'] as const),
  ...(['ledger_damaged', 'vault_key_unknown', 'vault_sealed_damaged'] as const),
]

function problemsOf({ access, method, problems, path }: Route): ProblemCode[] {
  if (surfaceOf(path).name === 'Operators') return [...problems, ...everywhere]
  return [
    ...problems,
    ...always,
    ...(method === 'GET' ? [] : (['payload_too_large'] as const)),
    ...(access.startsWith('key:') || isSecurity(access) ? keyed : []),
    ...(access === 'public' || access === 'pending' || access.startsWith('key:') ? [] : signedIn),
    ...(/^(session|proven|admin|proven_admin)$/.test(access) ? (['forbidden'] as const) : []),
    ...(access.startsWith('proven') || access === 'security:write' ? (['step_up_required'] as const) : []),
  ]
}

function isSecurity(access: Access): boolean {
  return access.startsWith('security:')
}

function describeProblems(codes: readonly ProblemCode[]): Operation['responses'] {
  const byStatus = Map.groupBy(new Set(codes), statusOf)
  const described = [...byStatus].map(([status, codes]) => {
    const schema = {
      allOf: [
        { $ref: '#/components/schemas/Problem' },
        { properties: { status: { const: status }, code: { enum: codes.toSorted() } } },
      ],
    }
    const description = codes.map((code) => `\`${code}\`: ${problemMeanings[code]}`).join('\n\n')
    return [status, { description, content: { [problemContentType]: { schema } } }] as const
  })
  return Object.fromEntries(described)
}

function securityOf(access: Access): Record<string, string[]>[] {
  if (access === 'public' || access === 'pending') return []
  if (access.startsWith('key:')) return [{ apiKey: [access.slice('key:'.length)] }]
  if (isSecurity(access)) return [{ apiKey: [access] }, { accessToken: [] }, { sessionCookie: [] }]
  const full = [{ accessToken: [] }, { sessionCookie: [] }]
  return access === 'enrolling' ? [...full, { enrollmentToken: [] }] : full
}

const securitySchemes = {
  accessToken: {
    type: 'http',
    scheme: 'bearer',
    bearerFormat: 'JWT',
    description: 'The `access_token` of a sign-in: 15 minutes.',
  },
  sessionCookie: {
    type: 'apiKey',
    in: 'cookie',
    name: '__Host-sallyport',
    description:
      'Set by a sign-in; without TLS its name is `sallyport`. For calls from these pages only: others are refused by `Origin` and `Sec-Fetch-Site`.',
  },
  enrollmentToken: {
    type: 'http',
    scheme: 'bearer',
    bearerFormat: 'JWT',
    description:
      'The `enrollment_token` of a sign-in that has to enrol a factor first: opens enrolling alone.',
  },
  apiKey: {
    type: 'http',
    scheme: 'bearer',
    bearerFormat: 'spk_…',
    description: "An application's key with the scope that is named; the scope `admin` holds all others.",
  },
}

const text = { type: 'string' }
const problemSchema: JsonSchema = {
  type: 'object',
  description: 'An error (RFC 9457). Some codes come with more fields.',
  required: ['type', 'title', 'status', 'code', 'detail'],
  properties: {
    type: { ...text, const: 'about:blank' },
    title: text,
    status: { type: 'integer', minimum: 400, maximum: 599 },
    code: { ...text, enum: problemCodes },
    detail: { ...text, description: 'For a person; it may be reworded.' },
    errors: {
      type: 'array',
      items: {
        type: 'object',
        required: ['path', 'message'],
        properties: { path: { ...text, description: 'the field at fault: `factors[2].id`' }, message: text },
      },
    },
    attempts_left: { type: 'integer', minimum: 0 },
    retry_at: { ...text, format: 'date-time' },
  },
}
