import { type Fault, importTotpSecret, SallyportError } from '@sallyport/core'
import { z } from 'zod'

const times = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const
const sizes = { B: 1, kB: 1_000, KB: 1_000, MB: 1_000_000, GB: 1_000_000_000, TB: 1_000_000_000_000 } as const
/** Node takes a timer of more than 24 days for one of no length. */
const longestTimer = 24 * times.d

/** `90s`, `10m`, `8h`, `30d`, read as milliseconds. */
export const duration = z
  .string()
  .regex(/^[1-9]\d{0,8}(ms|s|m|h|d)$/, 'must be a duration such as 60s, 10m, 8h or 30d')
  .transform((text) => Number.parseInt(text, 10) * times[/[a-z]+$/.exec(text)![0] as keyof typeof times])
  .refine((time) => time <= 3650 * times.d, 'must be at most 3650d')

/** A duration that a timer measures. */
export const timer = duration.refine((time) => time <= longestTimer, 'must be at most 24d')

/** `64MB`, `4GB`, read as bytes. */
export const size = z
  .string()
  .regex(/^[1-9]\d{0,8}(B|kB|KB|MB|GB|TB)$/, 'must be a size such as 64MB or 4GB')
  .transform((text) => Number.parseInt(text, 10) * sizes[/[A-Za-z]+$/.exec(text)![0] as keyof typeof sizes])

export const filePath = z.string().min(1).max(4096)

/** A name that stands in logs, in banners and at the head of a recording. */
export const label = z
  .string()
  .min(1)
  .max(128)
  .refine((text) => text.isWellFormed() && !/[\p{Cc}\p{Zl}\p{Zp}]/u.test(text), 'must be one line of text')

export const base32Secret = z.string().superRefine((text, context) => {
  try {
    importTotpSecret(text)
  } catch (error) {
    context.addIssue({ code: 'custom', message: (error as Error).message })
  }
})

/** Every fault of what a person wrote, each with its path. */
export function faultsOf(error: z.ZodError): Fault[] {
  return error.issues.flatMap((issue): Fault[] => {
    const path = pathOf(issue.path)
    if (issue.code !== 'unrecognized_keys') return [{ path, message: messageOf(issue) }]
    return issue.keys.map((key) => ({ path: path ? `${path}.${key}` : key, message: 'unknown key' }))
  })
}

function pathOf(parts: readonly PropertyKey[]): string {
  return parts
    .map((part) => (typeof part === 'number' ? `[${part}]` : `.${String(part)}`))
    .join('')
    .replace(/^\./, '')
}

function messageOf(issue: z.core.$ZodIssue): string {
  switch (issue.code) {
    case 'too_small':
      return `must be at least ${issue.minimum}${unitOf(issue.origin)}`
    case 'too_big':
      return `must be at most ${issue.maximum}${unitOf(issue.origin)}`
    case 'invalid_value':
      return `must be one of ${issue.values.map(String).join(', ')}`
    case 'invalid_type':
      return `must be ${wanted[issue.expected] ?? issue.expected}`
    default:
      return issue.message
  }
}

const wanted: Partial<Record<string, string>> = {
  object: 'a mapping',
  array: 'a list',
  string: 'text',
  int: 'a whole number',
  number: 'a number',
  boolean: 'true or false',
}

function unitOf(origin: string): string {
  return { string: ' characters', array: ' entries' }[origin] ?? ''
}

export function refusal(faults: readonly Fault[], where: string): SallyportError {
  const lines = faults.map(({ path, message }) => (path ? `${path}: ${message}` : message)).join('\n')
  return new SallyportError('config_invalid', `${where} cannot be used:\n${lines}`, { faults })
}
