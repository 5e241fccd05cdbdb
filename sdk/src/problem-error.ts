import type { Problem, ProblemCode } from '@sallyport/protocol'

/** What the server answered instead; `unreachable` where nothing answered. */
export class ProblemError extends Error {
  readonly status: number
  readonly code: ProblemCode | 'unreachable'
  /** Each field at fault. */
  readonly errors: readonly { path: string; message: string }[]
  /** Wrong codes that are still allowed, where the server says so. */
  readonly attemptsLeft: number | null
  /** When to try again, where the server says so. */
  readonly retryAt: Date | null
  /** All that was answered. */
  readonly problem: Readonly<Record<string, unknown>>

  constructor(
    problem: Partial<Omit<Problem, 'code'>> & { code?: ProblemCode | 'unreachable' },
    cause?: unknown,
  ) {
    super(problem.detail ?? 'the server said no', { cause })
    this.name = 'ProblemError'
    this.problem = { ...problem }
    this.status = problem.status ?? 0
    this.code = problem.code ?? 'internal'
    this.errors = problem.errors ?? []
    const { attempts_left: left, retry_at: retryAt } = this.problem
    this.attemptsLeft = typeof left === 'number' ? left : null
    this.retryAt = typeof retryAt === 'string' ? new Date(retryAt) : null
  }
}
