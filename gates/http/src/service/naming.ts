import { type ApiKey, canonicalAlias, type Store, type Subject } from '@sallyport/core'
import type { Caller } from '../access.ts'
import { Refusal } from '../refusal.ts'

interface Names {
  extension?: string | undefined
  subject?: string | undefined
}

/** A subject as a call names it, among those of the key's application and no others. */
export interface Named {
  key: ApiKey
  /** As it was sent. */
  ref: string
  alias: string
}

export const done = { success: true } as const

export function readName(caller: Caller, { extension, subject }: Names): Named | Refusal {
  if (caller.kind !== 'key') throw new TypeError('the service API is for applications with a key')
  const ref = extension ?? subject ?? ''
  const alias = canonicalAlias(ref)
  if (alias !== null) return { key: caller.key, ref, alias }
  const path = extension === undefined ? 'subject' : 'extension'
  const errors = [{ path, message: 'cannot be used as a name' }]
  return new Refusal('invalid_input', 'the request cannot be used as it is', { extra: { errors } })
}

export function findNamed(store: Store, { key, alias }: Named): Promise<Subject | null> {
  return store.read((tx) => tx.subjects.findByAlias(key.application, alias))
}

export function actorOf(key: ApiKey): string {
  return `apikey:${key.id}`
}

export function unknownSubject(): Refusal {
  return new Refusal('not_found', 'there is no such subject')
}

export function isoTime(at: number): string {
  return new Date(at).toISOString()
}

export function isoTimeOrNull(at: number | null): string | null {
  return at === null ? null : isoTime(at)
}
