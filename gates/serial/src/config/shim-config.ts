import {
  type ChainPolicy,
  canonicalAlias,
  decide,
  type FactorType,
  type Fault,
  faultsOf,
  filePath,
  parseGatePolicies,
  parsePolicy,
  SallyportError,
  settingsRefused,
  siemSettings,
  stepKinds,
} from '@sallyport/core'
import { z } from 'zod'
import { deviceEndpoint, technicianEndpoint } from './endpoint-config.ts'
import {
  clearKey,
  type DirectoryConfig,
  type FactorConfig,
  refuseFactor,
  serialFactors,
  type TechnicianConfig,
  technician,
} from './factor-config.ts'
import { flag, isOff, isOn, label, size, sizeOrNone, span, timer, unlessOff } from './values.ts'

const name = z
  .string()
  .regex(/^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/, 'must be letters, digits, dots, _ and -, at most 64')

const sensor = z
  .strictObject({
    id: name,
    type: z.enum(['file', 'signal', 'gpio', 'iio']),
    path: filePath.optional(),
    // SIGUSR1 is Node's own
    signal: z.literal('SIGUSR2').optional(),
    threshold: z.number().default(1),
    debounce: unlessOff(timer),
    every: timer.prefault('20ms'),
  })
  .superRefine(({ type, path, signal }, context) => {
    const [needed, other] = type === 'signal' ? ['signal', 'path'] : ['path', 'signal']
    const given = { path, signal } as Record<string, unknown>
    const refuse = (key: string, message: string) =>
      context.addIssue({ code: 'custom', path: [key], message })
    if (given[needed!] === undefined) refuse(needed!, `a ${type} sensor needs it`)
    if (given[other!] !== undefined) refuse(other!, `is not for a ${type} sensor`)
  })

/** Every key there is. The commented example in `shim.example.yaml` is checked against this. */
const schema = z.strictObject({
  device: z.strictObject({ id: name, name: label.optional(), location: label.optional() }),
  ports: z
    .array(z.strictObject({ id: name, technician: technicianEndpoint, device: deviceEndpoint }))
    .min(1)
    .max(64),
  technicians: z.array(technician).max(10_000).default([]),
  policy: z.unknown().optional(),
  vault: z
    .union(
      [
        z.custom(isOff).transform(() => 'off' as const),
        z.custom(isOn).transform(() => ({ key_file: undefined, command: undefined })),
        z
          .strictObject({ key_file: filePath.optional(), command: z.array(z.string()).min(1).optional() })
          .refine(({ key_file: file, command }) => !(file && command), 'name one of key_file and command'),
      ],
      'must be off, or a mapping with key_file or command',
    )
    .prefault({}),
  lockout: z
    .strictObject({ attempts: z.int().min(1).max(100).default(5), within: span.prefault('60s') })
    .prefault({}),
  session: z
    .strictObject({
      idle_timeout: timer.prefault('10m'),
      max_duration: timer.prefault('8h'),
      max_bytes: size.prefault('1GB'),
      recording: z.enum(['strict', 'best-effort']).default('strict'),
      banner: label.optional(),
      on_idle: z.enum(['emergency_stop', 'flush']).default('emergency_stop'),
      escape: unlessOff(z.string().regex(/^[\x20-\x7e]{3,16}$/, 'must be 3 to 16 printable characters')),
    })
    .prefault({}),
  totp: z
    .strictObject({
      algorithm: z.enum(['SHA1', 'SHA256', 'SHA512']).default('SHA1'),
      period: z.int().min(15).max(120).default(30),
      digits: z.int().min(6).max(8).default(6),
      window: z.int().min(0).max(10).default(1),
      issuer: label.default('ShimMFA'),
    })
    .prefault({}),
  clock: z.strictObject({ require_sync: flag.default(false) }).prefault({}),
  integrity: z.strictObject({ command: unlessOff(z.array(z.string()).min(1)) }).prefault({}),
  storage: z
    .strictObject({
      dir: filePath.default('/var/lib/shim'),
      min_free: sizeOrNone.prefault('64MB'),
      max_total: size.prefault('4GB'),
      retention: span.prefault('365d'),
      auditor_keys: z.array(z.string().min(1).max(4096)).max(16).default([]),
    })
    .prefault({}),
  siem: unlessOff(siemSettings.extend({ sessions: z.enum(['metadata', 'full']).default('metadata') })),
  tamper: z
    .strictObject({
      heartbeat: timer.prefault('60s'),
      sensors: z.array(sensor).max(32).default([]),
      response: z.enum(['emergency_stop', 'alert']).default('emergency_stop'),
    })
    .prefault({}),
})

type Read = z.infer<typeof schema>

export type ShimConfig = Omit<Read, 'policy' | 'technicians' | 'session'> & {
  session: Read['session'] & { banner: string }
  policy: ChainPolicy
  technicians: TechnicianConfig[]
  /** Where further technicians come from. */
  directory: DirectoryConfig | null
}

const oneTotp = {
  mode: 'fixed',
  requiredSteps: 1,
  factors: [{ id: 'totp', label: 'Authenticator code', type: 'totp' }],
}

/** The configuration as it holds, or one error that names the path of every fault. `where` names its source. */
export function parseShimConfig(document: unknown, { where = 'the configuration' } = {}): ShimConfig {
  const input = withoutEmpty(document)
  const parsed = schema.safeParse(input, { reportInput: true })
  const faults = parsed.success ? [] : faultsOf(parsed.error)
  const policy = readPolicy((input as { policy?: unknown } | null)?.policy, faults)
  faults.push(...crossFaults(recordOf(input)))
  if (!parsed.success || policy === null || faults.length > 0) throw settingsRefused(faults, where)
  const people = parsed.data.technicians
  return {
    ...parsed.data,
    session: { ...parsed.data.session, banner: parsed.data.session.banner ?? bannerFor(policy) },
    policy,
    technicians: people.filter((one) => 'id' in one),
    directory: people.find((one) => 'directory' in one)?.directory ?? null,
  }
}

/** Whether nobody can know, before being asked, which factor comes first. */
export function isFirstStepDrawn({ mode, factors }: ChainPolicy): boolean {
  return mode === 'random' && factors.length > 1
}

function bannerFor(policy: ChainPolicy): string {
  const asked = isFirstStepDrawn(policy) ? '<technician_id>' : '<technician_id> <totp_code>'
  return `Shim MFA gate. Authenticate as: ${asked}`
}

/** Whether the file holds a secret that anybody who reads it could use. */
export function holdsClearSecret({ technicians }: Pick<ShimConfig, 'technicians'>): boolean {
  return technicians.some(({ factors }) => factors.some((factor) => clearKey(factor) !== null))
}

/** A section whose keys are all commented out is none at all. */
function withoutEmpty(document: unknown): unknown {
  if (document === null || typeof document !== 'object' || Array.isArray(document)) return document
  return Object.fromEntries(
    Object.entries(document).filter(([key, value]) => value !== null || !Object.hasOwn(schema.shape, key)),
  )
}

/** Who has factors, but not those that the policy asks for. */
export function whoCannotPass({ policy, technicians }: Pick<ShimConfig, 'policy' | 'technicians'>): string[] {
  const policies = parseGatePolicies(policy)
  const nobody = { subjects: [], role: null, company: null, gate: 'serial', at: 0 }
  const passes = (enrolled: FactorType[]) => decide(policies, { ...nobody, enrolled }).action === 'chain'
  return technicians
    .filter(({ factors }) => factors.length > 0 && !passes(factors.map(({ type }) => type)))
    .map(({ id }) => id)
}

function readPolicy(written: unknown, faults: Fault[]): ChainPolicy | null {
  try {
    const policy = parsePolicy(written ?? oneTotp)
    for (const [index, step] of policy.factors.entries()) {
      const unfit = stepKinds(step).find((kind) => !(serialFactors as readonly string[]).includes(kind))
      if (unfit) faults.push({ path: `policy.factors[${index}]`, message: refuseFactor(unfit) })
    }
    return policy
  } catch (error) {
    if (!(error instanceof SallyportError)) throw error
    for (const { path, message } of error.faults) {
      faults.push({ path: path ? `policy.${path}` : 'policy', message })
    }
    return null
  }
}

type Raw = Readonly<Record<string, unknown>>
type Named = readonly (readonly [path: string, value: unknown])[]

function recordOf(value: unknown): Raw {
  return typeof value === 'object' && value !== null ? (value as Raw) : {}
}

const listOf = (value: unknown): Raw[] => (Array.isArray(value) ? value.map(recordOf) : [])

/** What is wrong between keys, whether or not they are right one by one: no fault hides another. */
function crossFaults(config: Raw): Fault[] {
  const [ports, people] = [listOf(config.ports), listOf(config.technicians)]
  const sensors = listOf(recordOf(config.tamper).sensors)
  const each = (list: readonly Raw[], where: string, key: string): Named =>
    list.map((one, index) => [`${where}[${index}].${key}`, one[key]] as const)
  const lines = ports.flatMap((port, index) =>
    ['technician', 'device'].map((side) => {
      const line = port[side]
      const path = typeof line === 'string' ? line : recordOf(line).path
      return [`ports[${index}].${side}.path`, path] as const
    }),
  )
  const ids = people.map(({ id }, index) => {
    return [`technicians[${index}].id`, typeof id === 'string' ? canonicalAlias(id) : null] as const
  })
  const directories = people.map((one, index) => {
    return [`technicians[${index}].directory`, 'directory' in one ? 'directory' : null] as const
  })
  return [
    ...repeated(each(ports, 'ports', 'id')),
    ...repeated(lines),
    ...repeated(each(sensors, 'tamper.sensors', 'id')),
    ...repeated(ids),
    ...repeated(directories),
    ...people.flatMap(({ factors }, at) =>
      listOf(factors).flatMap((factor, index) =>
        clearFault(factor, `technicians[${at}].factors[${index}]`, config.vault),
      ),
    ),
  ]
}

function clearFault(factor: Raw, path: string, vault: unknown): Fault[] {
  const known = (serialFactors as readonly unknown[]).includes(factor.type)
  const key = known ? clearKey(factor as FactorConfig) : null
  if (key === null || isOff(vault)) return []
  const message =
    'is a secret in the clear: seal it with `sallyport shim enrol`, or say `vault: off` on trial'
  return [{ path: `${path}.${key}`, message }]
}

function repeated(named: Named): Fault[] {
  const first = new Map<string, string>()
  return named.flatMap(([path, value]) => {
    if (typeof value !== 'string') return []
    const before = first.get(value)
    if (before === undefined) first.set(value, path)
    return before === undefined ? [] : [{ path, message: `the same as ${before}` }]
  })
}
