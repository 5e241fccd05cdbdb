import { z } from 'zod'
import { nothing, paging, time } from './shapes.ts'

/** What the tables of `/api/admin` share. */

export const none = nothing

export const id = z.string().min(1).max(64)

export const one = z.strictObject({ id })

export const paged = z.strictObject(paging)

export const line = (longest: number) =>
  z
    .string()
    .trim()
    .min(1)
    .max(longest)
    .regex(/^[^\p{Cc}\p{Zl}\p{Zp}]*$/u, 'must be one line')

export const company = line(100)

export const applicationName = z.string().min(1).max(64)

export const session = z.object({
  id: z.string(),
  user_id: z.string(),
  kind: z.enum(['full', 'enrolling']),
  created_at: time,
  expires_at: time,
  proved_at: time.nullable(),
  amr: z.array(z.string()),
  address: z.string().nullable(),
  user_agent: z.string().nullable(),
  browser: z.string().meta({ description: 'what people call the browser behind `user_agent`' }),
})

/** What every route here may answer besides its own problems. */
export const reading = ['invalid_token', 'forbidden'] as const

export const changing = [...reading, 'step_up_required'] as const
