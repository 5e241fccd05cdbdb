import { ProblemError } from '@sallyport/sdk'
import type { Texts } from './en.ts'

/** What went wrong, in the reader's language where it is known, and when to try again: a line each. */
export function describeProblem(
  error: unknown,
  texts: Pick<Texts, 'common' | 'verify' | 'problems'>,
  clock: (at: Date) => string,
): string[] {
  if (!(error instanceof ProblemError)) {
    const name = error instanceof Error ? error.name : ''
    if (name === 'NotAllowedError') return [texts.verify.keyCancelled]
    if (name === 'SecurityError') return [texts.verify.keyElsewhere]
    return [name === 'InvalidStateError' ? texts.problems.already_exists : texts.problems.internal]
  }
  const known = texts.problems as Partial<Record<string, string>>
  const lines = [known[error.code] ?? error.message]
  // Which rule a password broke, or which field it was.
  if (error.errors.length > 0) lines.push(...error.errors.map(({ message }) => message))
  if (error.retryAt !== null) lines.push(texts.common.tryAgainAt(clock(error.retryAt)))
  else if (error.attemptsLeft !== null && error.attemptsLeft > 0)
    lines.push(texts.verify.attemptsLeft(error.attemptsLeft))
  return lines
}
