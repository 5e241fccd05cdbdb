import {
  type Clock,
  createOrchestrator,
  defaultTotpSettings,
  encodeSecret,
  type FactorDefinition,
  fingerprint,
  newTotpSecret,
  type Orchestrator,
  parsePolicy,
  provisioningUri,
  qrPngDataUrl,
  type Random,
  randomId,
  systemClock,
  systemRandom,
  timeStep,
  totp,
} from '@sallyport/core'
import { createRecentMap } from './recent-map.ts'

export const demoFactors = [
  { id: 'google_auth', label: 'Google Authenticator', type: 'totp' },
  { id: 'ms_auth', label: 'Microsoft Authenticator', type: 'totp' },
] as const satisfies FactorDefinition[]

export type DemoFactor = (typeof demoFactors)[number]

const mostUsers = 1_000
const mostAttempts = 10_000
const attemptLifetime = 5 * 60_000
const period = defaultTotpSettings.period * 1_000

interface Enrolment {
  secret: Uint8Array
  /** The highest time step that was accepted: no attempt takes this one or an earlier one again. */
  acceptedStep: number
}

type Enrolments = ReadonlyMap<string, Enrolment>

interface Attempt {
  user: string
  enrolments: Enrolments
  orchestrator: Orchestrator
}

export interface StepClaim {
  sessionId: string
  factorId: string
  userInput: string
  window: number | undefined
}

/** What a client may know of an attempt that goes on. */
export interface Progress {
  chain: readonly FactorDefinition[]
  expected: FactorDefinition
}

export type StartOutcome =
  | ({ status: 'started'; sessionId: string } & Progress)
  | { status: 'not_enrolled'; missing: readonly DemoFactor[] }

export type VerifyOutcome =
  | { status: 'complete' }
  | { status: 'unknown' }
  | { status: 'finished' }
  | ({ status: 'advanced' | 'reset' | 'breached' } & Progress)

export type CodeOutcome =
  | { status: 'code'; factor: FactorDefinition; code: string }
  | { status: 'none_now'; factor: FactorDefinition; retryAfter: number }
  | { status: 'unknown' }
  | { status: 'finished' }

export interface ChainDemoOptions {
  mode: 'fixed' | 'random'
  clock?: Clock
  random?: Random
}

export type ChainDemo = ReturnType<typeof createChainDemo>

/**
 * Users with two authenticators each, and their attempts, in memory. There is no guess budget and no
 * confirmation of an enrolment here: this shows chains. Products use stored attempts, which have both.
 */
export function createChainDemo({ mode, clock = systemClock, random = systemRandom }: ChainDemoOptions) {
  const policy = parsePolicy({ mode, requiredSteps: demoFactors.length, factors: demoFactors })
  const users = createRecentMap<Enrolments>({ clock, limit: mostUsers })
  const attempts = createRecentMap<Attempt>({ clock, limit: mostAttempts, lifetime: attemptLifetime })

  return { mode, requiredSteps: policy.requiredSteps, enroll, start, verify, currentCode }

  /** Active at once; a new secret replaces the old one, and ends the attempts that were begun with it. */
  function enroll(user: string, factor: DemoFactor) {
    const secret = newTotpSecret(random)
    users.set(user, new Map(users.get(user)).set(factor.id, { secret, acceptedStep: -1 }))
    attempts.deleteWhere((attempt) => attempt.user === user)
    // Some apps keep one account per issuer and name: the two of one user must not look like the same.
    const issuer = `Sallyport (${factor.label.split(' ')[0]})`
    const uri = provisioningUri({ ...defaultTotpSettings, secret, issuer, account: user })
    return { secret: encodeSecret(secret), provisioningUri: uri, qrPng: qrPngDataUrl(uri) }
  }

  function start(user: string): StartOutcome {
    const enrolments: Enrolments = users.get(user) ?? new Map()
    const missing = demoFactors.filter(({ id }) => !enrolments.has(id))
    if (missing.length > 0) return { status: 'not_enrolled', missing }
    const orchestrator = createOrchestrator(policy, { clock, random, accepted: acceptedSteps(enrolments) })
    orchestrator.initializeAttempt()
    const sessionId = randomId(random)
    attempts.set(sessionId, { user, enrolments, orchestrator })
    return { status: 'started', sessionId, ...progress(orchestrator) }
  }

  function verify({ sessionId, factorId, userInput, window }: StepClaim): VerifyOutcome {
    const attempt = attempts.get(sessionId)
    if (!attempt) return { status: 'unknown' }
    const { orchestrator, enrolments } = attempt
    const expected = orchestrator.expectedFactor
    if (!expected) return { status: 'finished' }
    // `verifyStep` throws `MfaChainBreached` for this; a gate that expects it may ask beforehand.
    if (factorId !== expected.id) return { status: 'breached', ...progress(orchestrator) }
    const { secret } = enrolments.get(factorId)!
    const narrowed = window === undefined ? {} : { window }
    const result = orchestrator.verifyStep({ secret, userInput, factorId, ...narrowed })
    if (result.isComplete) return { status: 'complete' }
    return { status: result.success ? 'advanced' : 'reset', ...progress(orchestrator) }
  }

  /** The code that would pass now: the current one or, if that is spent, the next. */
  function currentCode(sessionId: string): CodeOutcome {
    const attempt = attempts.get(sessionId)
    if (!attempt) return { status: 'unknown' }
    const factor = attempt.orchestrator.expectedFactor
    if (!factor) return { status: 'finished' }
    const { secret, acceptedStep } = attempt.enrolments.get(factor.id)!
    const now = clock.now()
    const current = timeStep(now, defaultTotpSettings.period)
    const step = Math.max(current, acceptedStep + 1)
    if (step > current + 1) {
      const retryAfter = Math.ceil(((step - 1) * period - now) / 1_000)
      return { status: 'none_now', factor, retryAfter }
    }
    return { status: 'code', factor, code: totp({ ...defaultTotpSettings, secret, at: step * period }) }
  }
}

function progress(orchestrator: Orchestrator): Progress {
  return { chain: orchestrator.chain!, expected: orchestrator.expectedFactor! }
}

/** Shared by all attempts with these secrets, so that a code used in one attempt is used up in the others. */
function acceptedSteps(enrolments: Enrolments) {
  const bySecret = new Map(
    [...enrolments.values()].map((enrolment) => [fingerprint(enrolment.secret), enrolment] as const),
  )
  return {
    raise(secret: string, step: number): boolean {
      const enrolment = bySecret.get(secret)!
      if (step <= enrolment.acceptedStep) return false
      enrolment.acceptedStep = step
      return true
    },
  }
}
