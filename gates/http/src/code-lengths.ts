import type { Enrolment } from '@sallyport/core'

const usual = 6

/**
 * How long the codes of these authenticators are, where any has not six digits: a field has to know when a code
 * is complete. What is imported keeps its own length, whatever is configured now.
 */
export function codeLengths(enrolments: readonly Enrolment[]): { digits?: number[] } {
  const phones = enrolments.filter(({ factor }) => factor === 'totp')
  const lengths = new Set(phones.map(({ settings }) => Number(settings.digits)))
  return [...lengths].some((length) => length !== usual) ? { digits: [...lengths].sort() } : {}
}
