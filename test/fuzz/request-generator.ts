import type { JsonSchema, OpenApi, Operation } from '@sallyport/protocol'
import { seededIntegers } from '../support/installation.ts'
import { brokenBodies, wildPaths, wildText, wildValue } from './wild-values.ts'

interface Call {
  path: string
  method: string
  operation: Operation
}

export interface FuzzRequest {
  method: string
  bytes: Buffer
  /** The call that it is meant for; `null` where the path or the method is none of the document's. */
  operation: Operation | null
}

/** What opens doors, so that requests get past the first one. */
export interface World {
  /** What may follow `Authorization: `. */
  credentials: Readonly<Record<'session' | 'enrolling' | 'admin' | 'key' | 'stale', readonly string[]>>
  /** Sessions for the calls that end them. */
  spare: readonly string[]
  cookies: readonly string[]
  /** Good values by the name of the field. */
  values: Readonly<Record<string, readonly string[]>>
}

const endsSessions = /logout|sessions/
const methods = ['GET', 'POST', 'PUT', 'PATCH', 'DELETE', 'HEAD', 'OPTIONS', 'TRACE', 'PROPFIND', 'QUERY']

/** Requests from the document: valid ones, nearly valid ones, and what only a fuzzer would send. */
export function createRequestGenerator(options: {
  document: OpenApi
  seed: number
  /** How many in a hundred of the requests for a call are made: few where it is slow on purpose. */
  share: (path: string) => number
}) {
  const { document, seed, share } = options
  const below = seededIntegers(seed)
  const chance = (percent: number) => below(100) < percent
  const pick = <T>(list: readonly T[]): T => list[below(list.length)]!
  const calls = Object.entries(document.paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]) => ({ path, method: method.toUpperCase(), operation })),
  )

  function next(world: World): FuzzRequest {
    const call = pick(calls)
    if (!chance(share(call.path))) return next(world)
    const { operation } = call
    const tame = chance(35)
    const method = tame || chance(92) ? call.method : pick(methods)
    const known = tame || chance(90)
    const target = known ? targetOf(call, world, tame) : pick(wildPaths)(below)
    const schema = operation.requestBody?.content['application/json']?.schema
    const body = bodyFor(schema, world, tame)
    const headers = headersFor(call, world, { tame, body })
    const lines = [`${method} ${target} HTTP/1.1`, ...headers, '', '']
    const intended = known && method === call.method && !/[?#].*[?#]|\.\.|\\/.test(target) ? operation : null
    return {
      method,
      bytes: Buffer.concat([Buffer.from(lines.join('\r\n'), 'latin1'), body]),
      operation: intended,
    }
  }

  function targetOf({ path, operation }: Call, world: World, tame: boolean): string {
    const part = (name: string, schema: JsonSchema) =>
      tame ? String(valueFor(schema, { name, world })) : wildText(below).slice(0, 400) || 'x'
    const filled = path.replaceAll(/\{(\w+)\}/g, (_, name) => {
      const parameter = operation.parameters?.find((one) => one.name === name)
      return encode(part(name, parameter?.schema ?? {})) || 'x'
    })
    const query = (operation.parameters ?? []).filter(
      (one) => one.in === 'query' && (one.required || chance(40)),
    )
    const pairs = query.map(({ name, schema }) => `${name}=${encode(part(name, schema))}`)
    if (!tame && chance(25))
      pairs.push(pick(['__proto__=1', 'a[]=1', 'constructor[prototype]=x', '%', '&&', pairs[0] ?? 'x']))
    return pairs.length > 0 ? `${filled}?${pairs.join('&')}` : filled
  }

  /** Well encoded as a rule, and now and then not. */
  function encode(text: string): string {
    const encoded = encodeURIComponent(text.toWellFormed())
    return chance(3) ? encoded.replaceAll('%', pick(['%', '%25', '%c0%'])).slice(0, 900) : encoded
  }

  function bodyFor(schema: JsonSchema | undefined, world: World, tame: boolean): Buffer {
    if (!schema) return Buffer.from(tame || chance(80) ? '' : '{}')
    const good = valueFor(schema, { name: '', world }) as Record<string, unknown>
    if (tame) return Buffer.from(JSON.stringify(good))
    if (chance(30)) return pick(brokenBodies)(below, JSON.stringify(good))
    return Buffer.from(spoil(good, Object.keys(schema.properties ?? {})))
  }

  /** One to three things wrong with a good body; as text, since some of it no object could hold. */
  function spoil(good: Record<string, unknown>, names: readonly string[]): string {
    const fields = new Map(Object.entries(good).map(([name, value]) => [name, JSON.stringify(value)]))
    for (let wrongs = 1 + below(3); wrongs > 0; wrongs--) {
      const name = pick([...names, '__proto__', 'constructor', 'toString', 'x'.repeat(below(200))])
      if (chance(15)) fields.delete(name)
      else fields.set(name, wildValue(below))
    }
    return `{${[...fields].map(([name, value]) => `${JSON.stringify(name)}:${value}`).join(',')}}`
  }

  function valueFor(schema: JsonSchema, context: { name: string; world: World }): unknown {
    const { name, world } = context
    if (schema.const !== undefined) return schema.const
    if (schema.enum) return pick(schema.enum)
    const options = schema.anyOf ?? schema.oneOf
    if (options) return valueFor(pick(options), context)
    const held = world.values[name]
    const type = [schema.type].flat()[0]
    if (type === 'string') return held && chance(80) ? pick(held) : textFor(schema)
    if (type === 'integer' || type === 'number') return (schema.minimum ?? 0) + below(20)
    if (type === 'boolean') return chance(50)
    if (type === 'null') return null
    if (type === 'array') return Array.from({ length: below(3) }, () => valueFor(schema.items ?? {}, context))
    const optional = (field: string) => schema.required?.includes(field) || chance(40)
    const fields = Object.entries(schema.properties ?? {}).filter(([field]) => optional(field))
    return Object.fromEntries(
      fields.map(([field, inner]) => [field, valueFor(inner, { name: field, world })]),
    )
  }

  function textFor({ minLength = 0, maxLength = 40, format }: JsonSchema): string {
    if (format === 'date-time') return '2026-11-09T12:00:00Z'
    if (format === 'email') return `user${below(50)}@example.org`
    const text = pick(['a', 'ä', '1002', '123456', 'ABCD-EFGH', 'name of it', '🙂'])
    return text.padEnd(minLength, 'x').slice(0, Math.max(1, maxLength))
  }

  function fitting({ path, operation }: Call, { credentials, spare }: World): readonly string[] {
    const access = operation['x-access']
    if (access.startsWith('key:') || access.startsWith('security:')) return credentials.key
    if (access.includes('admin')) return credentials.admin
    if (endsSessions.test(path)) return spare
    return [...credentials.session, ...(access === 'enrolling' ? credentials.enrolling : [])]
  }

  function headersFor(call: Call, world: World, request: { tame: boolean; body: Buffer }): string[] {
    const { tame, body } = request
    const { credentials, cookies } = world
    const fits = fitting(call, world)
    const all = endsSessions.test(call.path) ? credentials.stale : Object.values(credentials).flat()
    const headers = ['Host: 127.0.0.1']
    if (tame || chance(70)) headers.push(`Authorization: ${pick(tame || chance(80) ? fits : all)}`)
    else headers.push(`Cookie: ${pick(cookies)}`)
    if (body.length > 0)
      headers.push(`Content-Type: ${tame || chance(92) ? 'application/json' : pick(contentTypes)}`)
    if (!tame && chance(10)) headers.push(pick(oddHeaders))
    headers.push(`Content-Length: ${body.length}`)
    return headers
  }

  return { next }
}

const contentTypes = [
  'text/plain',
  'application/json; charset=utf-16',
  'multipart/form-data',
  '',
  'application/xml',
]
contentTypes.push(
  'application/x-www-form-urlencoded',
  'application/problem+json',
  'application/json'.repeat(40),
)

const oddHeaders = [
  'Authorization: Basic dXNlcjpwYXNz',
  'Authorization: Bearer ',
  'Authorization: Bearer a.b.c',
  'Content-Type: text/plain',
  'X-Forwarded-For: 203.0.113.9, ::ffff:10.0.0.1, unknown',
  'Forwarded: for="[2001:db8::1]";proto=https',
  'Origin: https://evil.example',
  'Sec-Fetch-Site: cross-site',
  'Cookie: sallyport=%00%ff; sallyport=; =; __proto__=1',
  `Cookie: ${'a=b; '.repeat(500)}`,
  `X-Long: ${'x'.repeat(9_000)}`,
  'Expect: 100-continue',
  'Accept: application/xml;q=0.0000001',
  'If-None-Match: *',
  'Range: bytes=0-0,-1',
  'X-HTTP-Method-Override: DELETE',
  'User-Agent: \u00ff\u0080\t\u00e9',
  'Host: evil.example',
  'Connection: keep-alive, close-not',
]
