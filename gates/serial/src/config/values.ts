import { duration, importTotpSecret } from '@sallyport/core'
import { z } from 'zod'

const sizes = {
  ...{ B: 1, kB: 1_000, KB: 1_000, MB: 1_000_000, GB: 1_000_000_000, TB: 1_000_000_000_000 },
  ...{ KiB: 2 ** 10, MiB: 2 ** 20, GiB: 2 ** 30, TiB: 2 ** 40 },
} as const
/** Node takes a timer of more than 24 days for one of no length. */
const longestTimer = 24 * 86_400_000

/** A duration that is one; a whole number is of seconds. */
export const span = z.preprocess(
  (written) => (isCount(written) ? `${written}s` : written),
  duration.refine((time) => time > 0, 'must be longer than 0'),
)

/** A duration that a timer measures. */
export const timer = span.refine((time) => time <= longestTimer, 'must be at most 24d')

/** `64MB`, `4GiB`, or a whole number of bytes. */
export const sizeOrNone = z.preprocess(
  (written) => (isCount(written) ? `${written}B` : written),
  z
    .string('must be a size such as 64MB or 4GB')
    .regex(/^\d{1,16}(B|kB|KB|MB|GB|TB|KiB|MiB|GiB|TiB)$/, 'must be a size such as 64MB or 4GB')
    .transform((text) => Number.parseInt(text, 10) * sizes[/[A-Za-z]+$/.exec(text)![0] as keyof typeof sizes])
    .refine(Number.isSafeInteger, 'must be at most 9007TB'),
)

export const size = sizeOrNone.refine((bytes) => bytes > 0, 'must be larger than 0')

function isCount(written: unknown): written is number {
  return Number.isSafeInteger(written) && (written as number) >= 0
}

/** YAML's older spellings, which its parser leaves as text. */
export function isOff(written: unknown): boolean {
  return written === false || (typeof written === 'string' && /^(off|no|false)$/i.test(written))
}

export function isOn(written: unknown): boolean {
  return written === true || (typeof written === 'string' && /^(on|yes|true)$/i.test(written))
}

/** True or false, however a person writes it. */
export const flag = z.preprocess(
  (written) => (isOn(written) ? true : isOff(written) ? false : written),
  z.boolean('must be true or false'),
)

/** A setting that `off`, `false` and `null` turn off as its absence does. */
export function unlessOff<T extends z.ZodType>(schema: T) {
  const read = (written: unknown) => (written === null || isOff(written) ? undefined : written)
  return z.preprocess(read, schema.optional()).optional()
}

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
