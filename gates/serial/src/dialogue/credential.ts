/** What a credential line says: who, and what they prove it with, if they say so yet. */
export interface Credential {
  technician: string
  code: string | null
}

/** `alice@example.org 123456`, or the id alone; spaces around do not matter. `null` for anything else. */
export function parseCredential(text: string): Credential | null {
  const words = text.split(' ').filter((word) => word !== '')
  return words.length === 1 || words.length === 2 ? { technician: words[0]!, code: words[1] ?? null } : null
}
