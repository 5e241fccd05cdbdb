import { duration, importTotpSecret } from '@sallyport/core'
import { z } from 'zod'

const sizes = { B: 1, kB: 1_000, KB: 1_000, MB: 1_000_000, GB: 1_000_000_000, TB: 1_000_000_000_000 } as const
/** Node takes a timer of more than 24 days for one of no length. */
const longestTimer = 24 * 86_400_000

/** A duration that is one. */
export const span = duration.refine((time) => time > 0, 'must be longer than 0')

/** A duration that a timer measures. */
export const timer = span.refine((time) => time <= longestTimer, 'must be at most 24d')

/** `64MB`, `4GB`, read as bytes. */
export const size = z
  .string()
  .regex(/^[1-9]\d{0,8}(B|kB|KB|MB|GB|TB)$/, 'must be a size such as 64MB or 4GB')
  .transform((text) => Number.parseInt(text, 10) * sizes[/[A-Za-z]+$/.exec(text)![0] as keyof typeof sizes])

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
