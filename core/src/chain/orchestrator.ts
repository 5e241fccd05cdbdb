import { type Clock, type Random, systemClock, systemRandom } from '../clock.ts'
import { MfaChainBreached, SallyportError } from '../errors.ts'
import { decodeSecret } from '../factors/shared/base32.ts'
import { fingerprint } from '../factors/shared/fingerprint.ts'
import { matchTotp, type OtpAlgorithm, wellFormedCode } from '../factors/shared/otp.ts'
import { type AcceptedSteps, type AcceptedStepsMemory, createAcceptedSteps } from './accepted-steps.ts'
import { drawChain } from './draw.ts'
import { type ChainPolicy, type FactorDefinition, parsePolicy, RESET, stepKinds } from './policy.ts'
import { type ChainState, digestOf, readSavedChain, type SavedChain, saveChain } from './saved-chain.ts'

export interface OrchestratorOptions {
  clock?: Clock
  random?: Random
  /** Signs what `toJSON` gives out: 32 bytes at least (of a string, its UTF-8 bytes count). */
  integrityKey?: Uint8Array | string
  /** How codes are made, and how many time steps either side of now pass. */
  totp?: { algorithm?: OtpAlgorithm; digits?: number; period?: number; window?: number }
  /**
   * Accepted time steps, shared with other attempts. Without it this attempt remembers its own, resets
   * and restores included, but a code accepted here may pass in another attempt while it is fresh.
   */
  accepted?: AcceptedSteps
}

export interface StepClaim {
  /** The secret of the expected factor, in Base32 or as bytes. */
  secret: string | Uint8Array
  /** Exactly what was sent. */
  userInput: unknown
  /** May narrow the configured window, never widen it. */
  window?: number
  factorId: string
}

export interface StepResult {
  success: boolean
  /** The next step's label, `null` when complete, `'RESET'` when the failure reset the attempt. */
  nextFactorLabel: string | null
  isComplete: boolean
}

/**
 * One walk along a chain, in memory, for TOTP steps. It keeps no store: whoever saves it carries the
 * promise that an older state is not restored in place of a newer one. Stored attempts keep it themselves.
 */
export interface Orchestrator {
  /** The chain as drawn, or `null` before `initializeAttempt`. After a reset in `random` mode: the new one. */
  readonly chain: readonly FactorDefinition[] | null
  /** The step that must be passed next; `null` before the start and after completion. */
  readonly expectedFactor: FactorDefinition | null
  readonly isComplete: boolean
  /** Draws the chain and begins at its first step; what was passed before no longer counts. */
  initializeAttempt(): FactorDefinition[]
  /**
   * Judges one step. Throws `chain_breached` for another factor than the expected one,
   * `chain_not_started` and `chain_complete` when there is no step to judge, and `invalid_input` for a
   * secret that is none or a step that takes no TOTP (stored attempts serve every kind).
   */
  verifyStep(claim: StepClaim): StepResult
  /** The attempt, signed, without secrets; `JSON.stringify` calls it. Needs an `integrityKey`. */
  toJSON(): SavedChain
}

export function createOrchestrator(policy: ChainPolicy, options: OrchestratorOptions = {}): Orchestrator {
  return new ChainOrchestrator(policy, options)
}

/** Continues what `toJSON` gave out (or its JSON text), under the same policy, key and TOTP settings. */
export function restoreOrchestrator(
  policy: ChainPolicy,
  saved: unknown,
  options: OrchestratorOptions = {},
): Orchestrator {
  return new ChainOrchestrator(policy, options, { saved })
}

class ChainOrchestrator implements Orchestrator {
  readonly #policy: ChainPolicy
  readonly #clock: Clock
  readonly #random: Random
  readonly #totp: Required<NonNullable<OrchestratorOptions['totp']>>
  readonly #seal: { key: Uint8Array | string | undefined; policy: string }
  readonly #own: AcceptedStepsMemory
  readonly #shared: AcceptedSteps | undefined
  #chain: readonly FactorDefinition[] | null = null
  #cursor = 0

  constructor(policy: ChainPolicy, options: OrchestratorOptions, from?: { saved: unknown }) {
    // Read again, whatever its type says: a policy that was never checked must not be walked.
    this.#policy = parsePolicy(policy)
    this.#clock = options.clock ?? systemClock
    this.#random = options.random ?? systemRandom
    this.#totp = checkTotp({ algorithm: 'SHA1', digits: 6, period: 30, window: 1, ...options.totp })
    const { algorithm, digits, period } = this.#totp
    this.#seal = { key: options.integrityKey, policy: digestOf([this.#policy, algorithm, digits, period]) }
    this.#shared = options.accepted
    const state = from ? readSavedChain(from.saved, this.#seal) : null
    this.#own = createAcceptedSteps(state?.accepted)
    if (state) this.#resume(state)
  }

  get chain(): readonly FactorDefinition[] | null {
    return this.#chain && [...this.#chain]
  }

  get expectedFactor(): FactorDefinition | null {
    return this.#chain?.[this.#cursor] ?? null
  }

  get isComplete(): boolean {
    return this.#chain !== null && this.#cursor === this.#chain.length
  }

  initializeAttempt(): FactorDefinition[] {
    this.#cursor = 0
    const drawn = drawChain(this.#policy, this.#random)
    this.#chain = drawn
    return [...drawn]
  }

  verifyStep({ secret, userInput, window, factorId }: StepClaim): StepResult {
    const step = this.#expect(factorId)
    const bytes = secretBytes(secret)
    if (!this.#accept(bytes, userInput, narrow(window, this.#totp.window))) return this.#fail(step)
    this.#cursor++
    const next = this.expectedFactor
    return { success: true, nextFactorLabel: next?.label ?? null, isComplete: next === null }
  }

  toJSON(): SavedChain {
    const chain = this.#chain?.map((step) => step.id) ?? null
    return saveChain({ chain, cursor: this.#cursor, accepted: this.#own.entries() }, this.#seal)
  }

  #expect(factorId: string): FactorDefinition {
    if (!this.#chain)
      throw new SallyportError('chain_not_started', 'call initializeAttempt before verifyStep')
    const step = this.expectedFactor
    if (!step) throw new SallyportError('chain_complete', 'every step of this attempt has been passed')
    if (factorId !== step.id) {
      if (this.#policy.onBreach === 'reset') this.initializeAttempt()
      throw new MfaChainBreached(step.id, nameOf(factorId))
    }
    const kinds = stepKinds(step)
    if (!kinds.includes('totp')) {
      const message = `step "${step.id}" takes ${kinds.join(' or ')}: the synchronous orchestrator serves totp`
      throw new SallyportError('invalid_input', `${message}; use createAttempts`)
    }
    return step
  }

  /** Whether this is a fresh code of this secret; if so its time step, and all before it, are used up. */
  #accept(secret: Uint8Array, input: unknown, window: number): boolean {
    const { algorithm, digits, period } = this.#totp
    const wellFormed = wellFormedCode(input, digits)
    const key = fingerprint(secret)
    const step = matchTotp({
      secret,
      // A malformed code costs the work of a wrong one, and its outcome is thrown away.
      code: wellFormed ? input : '0'.repeat(digits),
      now: this.#clock.now(),
      algorithm,
      digits,
      period,
      window,
      after: null, // `raise` below is the one judge of what is fresh
    })
    if (!wellFormed || step === null) return false
    // The shared memory decides, since others raise it too; this one then remembers for restores.
    return (this.#shared?.raise(key, step) ?? true) && this.#own.raise(key, step)
  }

  #fail(step: FactorDefinition): StepResult {
    if (this.#policy.onFailure === 'retry') {
      return { success: false, nextFactorLabel: step.label, isComplete: false }
    }
    this.initializeAttempt()
    return { success: false, nextFactorLabel: RESET, isComplete: false }
  }

  #resume({ chain, cursor }: ChainState): void {
    const steps = new Map(this.#policy.factors.map((factor) => [factor.id, factor]))
    this.#chain = chain?.map((id) => steps.get(id)!) ?? null
    this.#cursor = cursor
  }
}

function checkTotp<T extends Required<NonNullable<OrchestratorOptions['totp']>>>(totp: T): T {
  const { algorithm, digits, period, window } = totp
  const within = (value: number, low: number, high: number) =>
    Number.isSafeInteger(value) && value >= low && value <= high
  if (!['SHA1', 'SHA256', 'SHA512'].includes(algorithm)) refuse('totp.algorithm: SHA1, SHA256 or SHA512')
  if (!within(digits, 6, 8)) refuse('totp.digits: 6 to 8')
  if (!within(period, 1, 3600)) refuse('totp.period: 1 to 3600 seconds')
  if (!within(window, 0, 10)) refuse('totp.window: 0 to 10 time steps')
  return totp
}

function secretBytes(secret: unknown): Uint8Array {
  const bytes = typeof secret === 'string' ? decodeSecret(secret) : secret
  if (!(bytes instanceof Uint8Array) || bytes.length === 0) refuse('secret: Base32 text or bytes, not empty')
  return bytes
}

function narrow(asked: unknown, configured: number): number {
  if (asked === undefined) return configured
  if (typeof asked !== 'number' || Number.isNaN(asked)) refuse('window: a number of time steps')
  return Math.min(configured, Math.max(0, Math.floor(asked)))
}

/** What was offered instead of the expected id, fit for a message. */
function nameOf(factorId: unknown): string {
  return typeof factorId === 'string' ? factorId.slice(0, 64) : typeof factorId
}

function refuse(message: string): never {
  throw new SallyportError('invalid_input', message)
}
