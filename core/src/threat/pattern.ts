/** What a pattern is a sign of. Each kind can be weighed and turned off by configuration. */
export const threatCategories = ['scanner', 'sqli', 'xss', 'traversal', 'command'] as const

export type ThreatCategory = (typeof threatCategories)[number]

/**
 * One sign of an attack. `expression` is tried only where one of `words` begins, so that a request without
 * any of them costs one walk over its letters. Both see text in lower case letters' terms, decoded, with
 * comments and runs of blanks as one space.
 *
 * Linear time is by construction and checked by a test: every repetition in an expression is bounded and the
 * product of its choices is small, so that what one place can cost has a ceiling.
 */
export interface Pattern {
  name: string
  category: ThreatCategory
  /** 0 to 100: how sure this sign alone makes one. Below the threshold of a hit it only adds to others. */
  weight: number
  words: readonly string[]
  expression: string
  /** Where it is looked for: the agent's name only, or everything a client sends, its agent among it. */
  place?: 'agent'
  /** Something it must find, and something like it that it must leave alone. */
  for: string
  against: string
}

/** Where a value begins: a parameter's, a JSON string's, or the whole text's. See `fieldMark`. */
export const valueStart = String.raw`(?:^|[\x01=])`
/** Where it ends. */
export const valueEnd = String.raw`(?:$|\x01)`

/** Parts fields from one another in the one text that is searched; no pattern reads across it by chance. */
export const fieldMark = '\x01'
