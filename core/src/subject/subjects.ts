import { type Clock, type Random, randomId } from '../clock.ts'
import { SallyportError } from '../errors.ts'
import type { Store, Subject, Tx } from '../store.ts'

/** The application that the login gate's own users belong to. */
export const loginApplication = 'login'
/** … and the gate they come in by. */
export const loginGate = 'login'

const longestAlias = 254

/**
 * The one spelling under which a subject is looked up, so that no variant of a name has a budget, a
 * replay memory or an enrolment of its own: compatibility forms folded, letters lowered, edges trimmed.
 * Answers `null` for what can be nobody's name.
 */
export function canonicalAlias(text: string): string | null {
  if (text.length > longestAlias * 2) return null
  const alias = text.normalize('NFKC').trim().toLowerCase().normalize('NFKC')
  const allowed = alias.length > 0 && alias.length <= longestAlias && alias.isWellFormed()
  return allowed && !/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/u.test(alias) ? alias : null
}

export interface NewSubject {
  application: string
  ref: string
  email?: string | null
  role?: string
  company?: string | null
  /** Whether somebody vouches for the address. */
  emailVerified?: boolean
  /** Further names of the same subject. */
  aliases?: readonly string[]
}

/** Creates a subject under all its names, or throws `already_exists` when one of them is taken. */
export async function createSubject(
  wanted: NewSubject,
  context: { tx: Tx; clock: Clock; random: Random },
): Promise<Subject> {
  const { tx, clock, random } = context
  const names = [wanted.ref, ...(wanted.email ? [wanted.email] : []), ...(wanted.aliases ?? [])]
  const spelled = names.map((name) => {
    const alias = canonicalAlias(name)
    if (alias === null)
      throw new SallyportError('invalid_input', `${JSON.stringify(name)} cannot be used as a name`)
    return alias
  })
  const aliases = [...new Set(spelled)]
  const subject: Subject = {
    id: randomId(random),
    application: wanted.application,
    ref: wanted.ref,
    email: wanted.email ?? null,
    role: wanted.role ?? 'user',
    company: wanted.company ?? null,
    createdAt: clock.now(),
    emailVerifiedAt: wanted.email && wanted.emailVerified ? clock.now() : null,
    disabledAt: null,
    requiredSince: null,
    passwordResetAt: null,
  }
  if (!(await tx.subjects.insert(subject, aliases))) {
    throw new SallyportError(
      'already_exists',
      `a subject with one of the names ${aliases.join(', ')} exists already`,
    )
  }
  return subject
}

export async function findSubject(store: Store, application: string, name: string): Promise<Subject | null> {
  const alias = canonicalAlias(name)
  return alias === null ? null : store.read((tx) => tx.subjects.findByAlias(application, alias))
}
