import { hash, type KeyObject, sign, verify } from 'node:crypto'

/** The first line keeps the signature from meaning anything elsewhere. */
const purpose = 'sallyport/heartbeat/v1\n'
const none = '0'.repeat(64)

export interface Heartbeat {
  n: number
  at: string
  boot_count: number
  prev: string
  hash: string
  signature: string
  [fact: string]: unknown
}

/** The next of the chain: numbered, with the hash of the one before, and signed. */
export function nextHeartbeat(
  before: Pick<Heartbeat, 'n' | 'hash'> | null,
  facts: { at: number; boot_count: number } & Record<string, unknown>,
  key: KeyObject,
): Heartbeat {
  const { at, ...others } = facts
  const body = {
    n: (before?.n ?? 0) + 1,
    at: new Date(at).toISOString(),
    ...others,
    prev: before?.hash ?? none,
  }
  const text = statement(body)
  const signature = sign(null, Buffer.from(text), key).toString('base64url')
  return { ...body, hash: hash('sha256', text), signature }
}

function statement(body: object): string {
  return `${purpose}${JSON.stringify(body)}`
}

/** Why the lines of `heartbeats/*.log`, in their order, are not what was written; `null` when they are. */
export function checkHeartbeats(lines: readonly string[], publicKey: KeyObject): string | null {
  let before: Heartbeat | null = null
  for (const [index, line] of lines.entries()) {
    const where = `line ${index + 1}`
    const beat = parseHeartbeat(line)
    if (beat === null) return `${where}: is no heartbeat`
    const { hash: digest, signature, ...body } = beat
    const text = statement(body)
    if (hash('sha256', text) !== digest) return `${where}: was altered`
    if (!verify(null, Buffer.from(text), publicKey, Buffer.from(signature, 'base64url')))
      return `${where}: is not signed by this shim`
    if (before && (beat.n !== before.n + 1 || beat.prev !== before.hash))
      return `${where}: does not follow the one before`
    before = beat
  }
  return null
}

export function parseHeartbeat(line: string): Heartbeat | null {
  try {
    const beat = JSON.parse(line) as Heartbeat
    const { n, at, hash: digest, signature, boot_count: boots } = beat
    const whole = Number.isSafeInteger(n) && Number.isSafeInteger(boots) && !Number.isNaN(Date.parse(at))
    return whole && typeof digest === 'string' && typeof signature === 'string' ? beat : null
  } catch {
    return null
  }
}
