import { ProblemError } from '@sallyport/sdk'
import type { common, problems, Texts, verify } from './en.ts'

/** All that dialogs in other people's pages have. */
type Said = { common: typeof common; verify: typeof verify; problems: typeof problems }

/** What went wrong, in the reader's language where it is known, and when to try again: a line each. */
export function describeProblem(
  error: unknown,
  texts: Said & Partial<Pick<Texts, 'pageProblems'>>,
  clock: (at: Date) => string,
  /** The other ways there are to go on with. */
  ways: readonly string[] = [],
): string[] {
  if (!(error instanceof ProblemError)) {
    const name = error instanceof Error ? error.name : ''
    if (name === 'NotAllowedError') return [texts.verify.keyCancelled]
    if (name === 'SecurityError') return [texts.verify.keyElsewhere]
    return [name === 'InvalidStateError' ? texts.problems.already_exists : texts.problems.internal]
  }
  const known: Partial<Record<string, string>> = { ...texts.problems, ...texts.pageProblems }
  const lines = [known[error.code] ?? error.message]
  // Which rule a password broke, or which field it was.
  if (error.errors.length > 0) lines.push(...error.errors.map(({ message }) => message))
  return [...lines, ...describeWait(error, texts, clock, ways)]
}

/** How many attempts are left; after one too many, until when there are none, and what works all the same. */
export function describeWait(
  error: ProblemError,
  { common, verify, problems }: Said,
  clock: (at: Date) => string,
  ways: readonly string[],
): string[] {
  const { code, retryAt, attemptsLeft } = error
  const wrong = code === 'invalid_code' || code === 'chain_reset'
  if (!(code === 'locked' || (wrong && retryAt !== null))) {
    if (retryAt !== null) return [common.tryAgainAt(clock(retryAt))]
    return attemptsLeft !== null && attemptsLeft > 0 ? [verify.attemptsLeft(attemptsLeft)] : []
  }
  return [
    ...(wrong ? [problems.locked] : []),
    retryAt === null ? verify.lockedForGood : common.tryAgainAt(clock(retryAt)),
    ...(ways.includes('webauthn') ? [verify.keyStillWorks] : []),
  ]
}
