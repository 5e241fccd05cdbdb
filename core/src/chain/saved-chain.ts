import { hash, timingSafeEqual } from 'node:crypto'
import * as z from 'zod'
import { SallyportError } from '../errors.ts'
import { hmac } from '../hmac.ts'

/**
 * An orchestrator's attempt as it is kept in a session store: no secret, and a MAC over the rest.
 * `accepted` names secrets by fingerprint.
 */
export interface SavedChain {
  version: 1
  /** What the attempt was walked under: the policy, and how its codes are made. */
  policy: string
  /** The drawn chain by factor ids, or `null` before the attempt is initialised. */
  chain: string[] | null
  cursor: number
  accepted: [secret: string, step: number][]
  mac: string
}

export type ChainState = Pick<SavedChain, 'chain' | 'cursor' | 'accepted'>

export interface Seal {
  key: Uint8Array | string | undefined
  /** Digest of what the attempt belongs to. */
  policy: string
}

const minKeyBytes = 32
const maxText = 64 * 1024

const savedSchema = z.strictObject({
  version: z.literal(1),
  policy: z.string(),
  chain: z.array(z.string()).nullable(),
  cursor: z.int().min(0),
  accepted: z.array(z.tuple([z.string(), z.int().min(0)])),
  mac: z.string(),
})

export function digestOf(value: unknown): string {
  return hash('sha256', `sallyport chain policy\0${JSON.stringify(value)}`, 'base64url')
}

export function saveChain(state: ChainState, { key, policy }: Seal): SavedChain {
  const content = { version: 1 as const, policy, ...state }
  return { ...content, mac: macOf(content, key) }
}

/** What `saveChain` kept, given as the object or its JSON text; anything else is `attempt_altered`. */
export function readSavedChain(saved: unknown, { key, policy }: Seal): ChainState {
  const { mac, ...content } = shapeOf(saved)
  if (!sameText(mac, macOf(content, key))) throw altered('its MAC is not that of this key')
  if (content.policy !== policy) throw altered('it belongs to another policy')
  return content
}

function shapeOf(saved: unknown): SavedChain {
  try {
    if (typeof saved === 'string' && saved.length > maxText) throw altered('it is too long')
    return savedSchema.parse(typeof saved === 'string' ? JSON.parse(saved) : saved)
  } catch (cause) {
    throw altered('it is not of the form that was saved', cause)
  }
}

function macOf(
  { version, policy, chain, cursor, accepted }: Omit<SavedChain, 'mac'>,
  key: Seal['key'],
): string {
  const bytes = typeof key === 'string' ? Buffer.from(key) : key
  if (!(bytes instanceof Uint8Array) || bytes.length < minKeyBytes) {
    const message = `saving and restoring an attempt needs an integrityKey of at least ${minKeyBytes} bytes`
    throw new SallyportError('integrity_key_required', message)
  }
  const content = JSON.stringify([version, policy, chain, cursor, accepted])
  return hmac('sha256', bytes, Buffer.from(`sallyport saved chain\0${content}`)).toString('base64url')
}

/** Compared as text, so that no second spelling of the MAC is taken for it. */
function sameText(a: string, b: string): boolean {
  const [left, right] = [Buffer.from(a), Buffer.from(b)]
  return left.length === right.length && timingSafeEqual(left, right)
}

function altered(why: string, cause?: unknown): SallyportError {
  return new SallyportError('attempt_altered', `the saved attempt is refused: ${why}`, { cause })
}
