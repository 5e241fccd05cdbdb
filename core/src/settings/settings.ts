import * as z from 'zod'
import { describeFaults, type Fault, SallyportError } from '../errors.ts'

const units = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const

/** `90s`, `15m`, `24h`, `30d`: a number with its unit, read as milliseconds. */
export const duration = z
  .string()
  .regex(/^\d{1,9}(ms|s|m|h|d)$/, 'must be a duration such as 60s, 15m, 24h or 30d')
  .transform((text) => Number.parseInt(text, 10) * units[/[a-z]+$/.exec(text)![0] as keyof typeof units])
  .refine((time) => time <= 3650 * units.d, 'must be at most 3650d')

export const filePath = z.string().min(1).max(4096)

/** Where evidence is sent, and how: the same for every gate. */
export const siemSettings = z.strictObject({
  transport: z.enum(['tls', 'https', 'file']),
  address: z.string().min(1).max(2048),
  format: z.enum(['rfc5424', 'cef', 'ocsf', 'json']).optional(),
  tls: z
    .strictObject({
      ca_file: filePath.optional(),
      cert_file: filePath.optional(),
      key_file: filePath.optional(),
    })
    .prefault({}),
  token_file: filePath.optional(),
  spool: z.strictObject({ max_events: wholeNumber(1, 10_000_000).default(100_000) }).prefault({}),
})

export type SiemSettings = z.infer<typeof siemSettings>

/** A number, also as the environment and flags spell it; not all that JavaScript would make a number of. */
export function wholeNumber(least: number, most: number) {
  const read = (value: unknown) =>
    typeof value === 'string' && /^\d{1,9}$/.test(value) ? Number(value) : value
  return z.preprocess(read, z.int('must be a whole number').min(least).max(most))
}

/** `where` names the source: `the configuration in /etc/sallyport.yaml`. */
export function settingsRefused(faults: readonly Fault[], where: string): SallyportError {
  return new SallyportError('config_invalid', `${where} cannot be used:\n${describeFaults(faults)}`, {
    faults,
  })
}
