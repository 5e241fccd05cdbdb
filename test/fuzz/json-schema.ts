import type { JsonSchema, OpenApi } from '@sallyport/protocol'

/** What is wrong with a value by a schema of the document: a second opinion, which shares nothing with zod. */
export function faultsOf(value: unknown, schema: JsonSchema, context: Judging): string[] {
  const { document, path = '$' } = context
  const found = (message: string) => [`${path}: ${message}`]
  if (schema.$ref !== undefined) return faultsOf(value, resolveRef(document, schema.$ref), context)
  const options = schema.anyOf ?? schema.oneOf
  if (options) {
    const judged = options.map((option) => faultsOf(value, option, context))
    return judged.some((faults) => faults.length === 0) ? [] : judged.flat().slice(0, 5)
  }
  const faults = (schema.allOf ?? []).flatMap((part) => faultsOf(value, part, { ...context, closed: false }))
  if (schema.type !== undefined && ![schema.type].flat().some((type) => isOfType(value, type)))
    return [...faults, ...found(`is ${JSON.stringify(value)?.slice(0, 60)}, not ${schema.type}`)]
  if (schema.enum && !schema.enum.includes(value)) faults.push(...found(`${value} is none of its values`))
  if ('const' in schema && schema.const !== value) faults.push(...found(`${value} is not ${schema.const}`))
  if (typeof value === 'string') faults.push(...textFaults(value, schema).flatMap(found))
  if (typeof value === 'number') faults.push(...numberFaults(value, schema).flatMap(found))
  if (Array.isArray(value) && schema.items) {
    const { items } = schema
    faults.push(...value.flatMap((item, at) => faultsOf(item, items, { ...context, path: `${path}[${at}]` })))
  }
  if (isRecord(value)) faults.push(...objectFaults(value, schema, context))
  return faults
}

export interface Judging {
  document: OpenApi
  path?: string
  /** Whether a field that the schema does not name is a fault though it may be sent: answers are held to it. */
  closed?: boolean
}

export function resolveRef(document: OpenApi, ref: string): JsonSchema {
  let found: unknown = document
  for (const step of ref.replace(/^#\//, '').split('/')) found = (found as Record<string, unknown>)?.[step]
  if (found === undefined) throw new Error(`${ref} leads nowhere`)
  return found as JsonSchema
}

function objectFaults(value: Record<string, unknown>, schema: JsonSchema, context: Judging): string[] {
  const { path = '$', closed = false } = context
  const { properties = {}, required = [], additionalProperties: others } = schema
  const missing = required
    .filter((name) => !Object.hasOwn(value, name))
    .map((name) => `${path}.${name}: missing`)
  const fields = Object.entries(value).flatMap(([name, field]) => {
    const inner = { ...context, path: `${path}.${name}` }
    if (Object.hasOwn(properties, name)) return faultsOf(field, properties[name]!, inner)
    if (typeof others === 'object') return faultsOf(field, others, inner)
    const refused = others === false || (closed && schema.properties !== undefined)
    return refused ? [`${inner.path}: is not in the document`] : []
  })
  return [...missing, ...fields]
}

function textFaults(
  text: string,
  { minLength = 0, maxLength = Infinity, pattern, format }: JsonSchema,
): string[] {
  const faults = []
  const length = [...text].length
  if (length < minLength || length > maxLength) faults.push(`has ${length} characters`)
  if (pattern !== undefined && !new RegExp(pattern, 'u').test(text)) faults.push(`does not match ${pattern}`)
  if (format === 'date-time' && !/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z$/.test(text))
    faults.push(`${text} is no time`)
  return faults
}

function numberFaults(value: number, { minimum = -Infinity, maximum = Infinity }: JsonSchema): string[] {
  return value < minimum || value > maximum ? [`${value} is out of bounds`] : []
}

function isOfType(value: unknown, type: string): boolean {
  if (type === 'null') return value === null
  if (type === 'array') return Array.isArray(value)
  if (type === 'object') return isRecord(value)
  if (type === 'integer') return Number.isInteger(value)
  return typeof value === type
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
