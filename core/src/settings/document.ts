import * as z from 'zod'
import { describeFaults, type Fault, SallyportError } from '../errors.ts'

const maxFaults = 100

/** Reads a document that a person wrote, or names every fault in it by its path. */
export function parseDocument<T>(schema: z.ZodType<T>, input: unknown): T {
  const result = schema.safeParse(input, { reportInput: true })
  if (result.success) return result.data
  const all = faultsOf(result.error)
  const faults = all.slice(0, maxFaults)
  const more = all.length - faults.length
  if (more > 0) faults.push({ path: '', message: `and ${more} more` })
  throw new SallyportError('policy_invalid', describeFaults(faults), { faults })
}

/**
 * For checks across the fields of an object: they run even where single fields have faults, so that no
 * fault hides another.
 */
export const acrossFields = {
  when: ({ value }: { value: unknown }) =>
    typeof value === 'object' && value !== null && !Array.isArray(value),
}

/** A name or label: short, not blank, one line, fit to be shown in a log or a terminal. */
export function text(max: number): z.ZodType<string> {
  return z
    .string()
    .refine(
      (value) =>
        value.length <= max && value.trim() !== '' && value.isWellFormed() && !unprintable.test(value),
      `must be 1 to ${max} characters, not blank, without control characters`,
    )
}

const unprintable = /[\p{Cc}\p{Zl}\p{Zp}]/u

/** A list with at least one entry. Its length is checked before anything in it is looked at. */
export function list<T>(entry: z.ZodType<T>, max: number): z.ZodType<T[]> {
  return z.array(z.unknown()).min(1).max(max).pipe(z.array(entry))
}

/** One entry, or a list of them. */
export function oneOrMany<T>(entry: z.ZodType<T>, max: number): z.ZodType<T[]> {
  const many = list(entry, max)
  return z.unknown().transform((value, context) => {
    const result = (Array.isArray(value) ? many : entry.transform((one) => [one])).safeParse(value, {
      reportInput: true,
    })
    if (result.success) return result.data
    for (const issue of result.error.issues) {
      context.addIssue({ code: 'custom', path: issue.path, message: describeIssue(issue) })
    }
    return z.NEVER
  })
}

/** Every fault that the schema found, each with its path. Parse with `reportInput`, which tells what is missing. */
export function faultsOf(error: z.ZodError): Fault[] {
  return error.issues.flatMap((issue): Fault[] =>
    issue.code === 'unrecognized_keys'
      ? issue.keys.map((key) => ({ path: formatPath([...issue.path, key]), message: 'unknown key' }))
      : [{ path: formatPath(issue.path), message: describeIssue(issue) }],
  )
}

function describeIssue(issue: z.core.$ZodIssue): string {
  if (issue.code !== 'custom' && issue.input === undefined && issue.code.startsWith('invalid_')) {
    return 'required'
  }
  switch (issue.code) {
    case 'too_small':
      return bound('at least', Number(issue.minimum), issue.origin)
    case 'too_big':
      return bound('at most', Number(issue.maximum), issue.origin)
    case 'invalid_value':
      return `must be one of ${issue.values.map(String).join(', ')}`
    case 'invalid_type':
      // A schema's own words say more than the type.
      if (!issue.message.startsWith('Invalid input')) return issue.message
      return `must be ${typeNames[issue.expected] ?? issue.expected}`
    default:
      return issue.message
  }
}

function bound(which: string, limit: number, origin: string): string {
  if (origin === 'array') return `must have ${which} ${limit} ${limit === 1 ? 'entry' : 'entries'}`
  return `must be ${which} ${limit}${origin === 'string' ? ' characters' : ''}`
}

const typeNames: Partial<Record<string, string>> = {
  array: 'a list',
  boolean: 'true or false',
  int: 'a whole number',
  number: 'a number',
  object: 'a mapping',
  string: 'text',
}

function formatPath(path: readonly PropertyKey[]): string {
  return path.reduce<string>((whole, key) => {
    if (typeof key === 'number') return `${whole}[${key}]`
    const name = String(key)
    // A key is the writer's own text: anything but a plain word is quoted, and cut.
    if (!/^[a-z_][\w-]{0,63}$/i.test(name)) return `${whole}[${JSON.stringify(name.slice(0, 64))}]`
    return whole === '' ? name : `${whole}.${name}`
  }, '')
}
