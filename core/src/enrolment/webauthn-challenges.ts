import { timingSafeEqual } from 'node:crypto'
import type { Clock, Random } from '../clock.ts'
import type { WebauthnChallenges } from '../factors/webauthn.ts'
import { hmac } from '../hmac.ts'
import type { Store } from '../store.ts'
import { namedSecret } from '../vault/named-secret.ts'
import type { Vault } from '../vault/vault.ts'

const clockSkew = 60_000
const nonceBytes = 16
const timeBytes = 6
const macBytes = 32

export interface WebauthnChallengesOptions {
  store: Store
  vault: Vault
  clock: Clock
  random: Random
  /** How long one is good for, in milliseconds. */
  lifetime: number
}

/**
 * Challenges that no node has to remember: each carries when it ends, and a MAC over that, its random part
 * and what it is bound to. To ask for one costs no write, so nobody fills a table or ends another's; that it
 * was used up is written when it is.
 */
export function createWebauthnChallenges(options: WebauthnChallengesOptions): WebauthnChallenges {
  const { store, vault, clock, random, lifetime } = options
  let key: Promise<Uint8Array> | undefined

  function macKey(): Promise<Uint8Array> {
    const make = () => random.bytes(macBytes)
    key ??= namedSecret({ store, vault, name: 'webauthn challenge key', make }).catch((error: unknown) => {
      key = undefined
      throw error
    })
    return key
  }

  async function seal(head: Uint8Array, binding: string): Promise<Buffer> {
    const length = Buffer.of(head.length)
    return hmac('sha256', await macKey(), Buffer.concat([length, head, Buffer.from(binding)]))
  }

  return {
    derive: async (label) =>
      Buffer.concat([await seal(Buffer.of(1), label), await seal(Buffer.of(2), label)]),

    async issue(binding) {
      const head = Buffer.alloc(nonceBytes + timeBytes)
      head.set(random.bytes(nonceBytes))
      head.writeUIntBE(clock.now() + lifetime, nonceBytes, timeBytes)
      return Buffer.concat([head, await seal(head, binding)]).toString('base64url')
    },

    async check(challenge, binding) {
      const bytes = Buffer.from(challenge, 'base64url')
      const head = bytes.subarray(0, nonceBytes + timeBytes)
      // One spelling only: a second one of the same bytes would be no second challenge, but it is not ours.
      if (bytes.length !== head.length + macBytes || bytes.toString('base64url') !== challenge) return null
      if (!timingSafeEqual(bytes.subarray(head.length), await seal(head, binding))) return null
      const expiresAt = head.readUIntBE(nonceBytes, timeBytes)
      const now = clock.now()
      // Further ahead than any lasts: the clock was set back, and its time can no longer be measured.
      if (now >= expiresAt || now < expiresAt - lifetime - clockSkew) return null
      return `webauthn:${head.toString('hex', 0, nonceBytes)}`
    },
  }
}
