import { canonicalAlias, filePath, isBackupCode } from '@sallyport/core'
import { z } from 'zod'
import { base32Secret, label } from './values.ts'

const sealed = z
  .string()
  .regex(/^[A-Za-z0-9_-]{1,32}\.[A-Za-z0-9_-]{16,8192}$/, 'must be as `shim enrol` wrote it')
const hex = (bytes: number) =>
  z.string().regex(new RegExp(`^[0-9a-fA-F]{${bytes * 2}}$`), `must be ${bytes * 2} hexadecimal digits`)

const needs: Readonly<Record<string, { neither: string; both?: string }>> = {
  key: {
    neither:
      'an id alone cannot be validated without a network: the gate needs the private id and key of the YubiKey as well; seal them with `sallyport shim enrol --yubikey`',
  },
}

/** Written by hand on trial, or sealed by `shim enrol`; exactly one of the two. */
const oneOf = (clear: string) => (factor: object, context: z.RefinementCtx) => {
  if (clear in factor === 'sealed' in factor) {
    const found = clear in factor ? 'both' : 'neither'
    context.addIssue({
      code: 'custom',
      path: [clear],
      message: needs[clear]?.[found] ?? `needs either ${clear} or sealed`,
    })
  }
}

const totp = z
  .strictObject({
    type: z.literal('totp'),
    name: label.optional(),
    secret: base32Secret.optional(),
    sealed: sealed.optional(),
    algorithm: z.enum(['SHA1', 'SHA256', 'SHA512']).optional(),
    period: z.int().min(15).max(120).optional(),
    digits: z.int().min(6).max(8).optional(),
  })
  .superRefine(oneOf('secret'))

const yubikey = z
  .strictObject({
    type: z.literal('yubikey'),
    name: label.optional(),
    id: z.string().regex(/^[cbdefghijklnrtuv]{12}$/, 'must be the 12 letters that its codes begin with'),
    private_id: hex(6).optional(),
    key: hex(16).optional(),
    sealed: sealed.optional(),
  })
  .superRefine(oneOf('key'))
  .refine(({ key, private_id: id }) => (key === undefined) === (id === undefined), {
    path: ['private_id'],
    message: 'goes with key',
  })

const backup = z
  .strictObject({
    type: z.literal('backup'),
    name: label.optional(),
    codes: z
      .array(z.string().refine((code) => isBackupCode(code, 'short'), 'must look like ABCD-2345'))
      .min(1)
      .max(50)
      .optional(),
    sealed: sealed.optional(),
  })
  .superRefine(oneOf('codes'))

/** The factors that work over a serial line: what a person or a key types. */
export const serialFactors = ['totp', 'yubikey', 'backup'] as const

export function refuseFactor(type: unknown): string {
  const known = ['webauthn', 'email', 'password'].includes(String(type))
  return known ? `${type} cannot work over a serial line` : `must be one of ${serialFactors.join(', ')}`
}

const factor = z.discriminatedUnion('type', [totp, yubikey, backup], {
  error: (issue) =>
    issue.code === 'invalid_union' ? refuseFactor((issue.input as { type?: unknown }).type) : undefined,
})

/** What means something else than a technician, at the prompt or in what the gate keeps. */
const reservedIds = ['*', 'break-glass']

export const technicianId = z
  .string()
  .max(128)
  .refine(
    (id) => canonicalAlias(id) !== null && !/\s/.test(id),
    'must be a name without spaces, as it is typed at the prompt',
  )
  .refine((id) => !reservedIds.includes(canonicalAlias(id) ?? ''), 'is a word that the gate itself uses')

export const person = z.strictObject({
  id: technicianId,
  name: label.optional(),
  factors: z.array(factor).max(16).default([]),
})

/** `public_key`: the key itself, on one line or in PEM, or a file that holds it. */
const bundled = z.strictObject({ directory: z.strictObject({ bundle: filePath, public_key: filePath }) })

/** One person, or a signed bundle of people. */
export const technician = z.unknown().transform((value, context) => {
  const isBundle = typeof value === 'object' && value !== null && 'directory' in value
  const read = (isBundle ? bundled : person).safeParse(value)
  if (read.success) return read.data as z.infer<typeof person> | z.infer<typeof bundled>
  for (const issue of read.error.issues) context.addIssue({ ...issue, input: value } as never)
  return z.NEVER
})

export type FactorConfig = z.infer<typeof factor>
export type TechnicianConfig = z.infer<typeof person>
export type DirectoryConfig = z.infer<typeof bundled>['directory']

/** The key that holds a secret of this factor in the clear, if there is one. */
export function clearKey(factor: FactorConfig): 'secret' | 'key' | 'codes' | null {
  if (factor.type === 'totp') return factor.secret === undefined ? null : 'secret'
  if (factor.type === 'yubikey') return factor.key === undefined ? null : 'key'
  return factor.codes === undefined ? null : 'codes'
}
