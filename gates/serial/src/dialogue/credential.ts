/** What a credential line says: who, and what they prove it with. */
export interface Credential {
  technician: string
  code: string
}

/** `alice@example.org 123456`; spaces around do not matter. `null` for anything but two words. */
export function parseCredential(text: string): Credential | null {
  const words = text.split(' ').filter((word) => word !== '')
  return words.length === 2 ? { technician: words[0]!, code: words[1]! } : null
}
