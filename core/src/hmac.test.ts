import { createHmac } from 'node:crypto'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { type HmacAlgorithm, hmac } from './hmac.ts'

const hex = (text: string) => Buffer.from(text, 'hex')

/** RFC 2202 (SHA-1) and RFC 4231 (SHA-256, SHA-512): the same inputs but for key lengths. */
const VECTORS: { algorithm: HmacAlgorithm; key: Buffer; message: Buffer; digest: string }[] = [
  {
    algorithm: 'sha1',
    key: Buffer.alloc(20, 0x0b),
    message: Buffer.from('Hi There'),
    digest: 'b617318655057264e28bc0b6fb378c8ef146be00',
  },
  {
    algorithm: 'sha1',
    key: Buffer.from('Jefe'),
    message: Buffer.from('what do ya want for nothing?'),
    digest: 'effcdf6ae5eb2fa2d27416d5f184df9c259a7c79',
  },
  {
    algorithm: 'sha1',
    key: Buffer.alloc(80, 0xaa),
    message: Buffer.from('Test Using Larger Than Block-Size Key - Hash Key First'),
    digest: 'aa4ae5e15272d00e95705637ce8a3b55ed402112',
  },
  {
    algorithm: 'sha256',
    key: Buffer.alloc(20, 0x0b),
    message: Buffer.from('Hi There'),
    digest: 'b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7',
  },
  {
    algorithm: 'sha256',
    key: Buffer.from('Jefe'),
    message: Buffer.from('what do ya want for nothing?'),
    digest: '5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843',
  },
  {
    algorithm: 'sha256',
    key: hex('0102030405060708090a0b0c0d0e0f10111213141516171819'),
    message: Buffer.alloc(50, 0xcd),
    digest: '82558a389a443c0ea4cc819899f2083a85f0faa3e578f8077a2e3ff46729665b',
  },
  {
    algorithm: 'sha256',
    key: Buffer.alloc(131, 0xaa),
    message: Buffer.from('Test Using Larger Than Block-Size Key - Hash Key First'),
    digest: '60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54',
  },
  {
    algorithm: 'sha512',
    key: Buffer.alloc(20, 0x0b),
    message: Buffer.from('Hi There'),
    digest:
      '87aa7cdea5ef619d4ff0b4241a1d6cb02379f4e2ce4ec2787ad0b30545e17cdedaa833b7d6b8a702038b274eaea3f4e4be9d914eeb61f1702e696c203a126854',
  },
  {
    algorithm: 'sha512',
    key: Buffer.alloc(131, 0xaa),
    message: Buffer.from('Test Using Larger Than Block-Size Key - Hash Key First'),
    digest:
      '80b24263c7c1a3ebb71493c1dd7be8b49b46d1f41b4aeec1121b013783f8f3526b56d037e05f2598bd0fd2215d6a1e5295e64f73f63f0aec8b915a985d786598',
  },
]

describe('hmac', () => {
  it.each(VECTORS)(
    'computes the published $algorithm vector $digest',
    ({ algorithm, key, message, digest }) => {
      expect(hmac(algorithm, key, message).toString('hex')).toBe(digest)
    },
  )

  it('agrees with OpenSSL for keys and messages around every boundary', () => {
    const algorithm = fc.constantFrom<HmacAlgorithm>('sha1', 'sha256', 'sha512')
    const key = fc.uint8Array({ maxLength: 260 })
    const message = fc.uint8Array({ maxLength: 2100 })
    fc.assert(
      fc.property(algorithm, key, message, (a, k, m) => {
        expect(hmac(a, k, m)).toEqual(createHmac(a, k).update(m).digest())
      }),
      { numRuns: 400 },
    )
  })

  it('leaves its key and message as they were, and an earlier result alone', () => {
    const key = Buffer.alloc(20, 7)
    const message = Buffer.alloc(8, 9)
    const first = hmac('sha1', key, message)
    const kept = Buffer.from(first)
    hmac('sha1', Buffer.alloc(20, 8), message)
    expect(first).toEqual(kept)
    expect(key).toEqual(Buffer.alloc(20, 7))
    expect(message).toEqual(Buffer.alloc(8, 9))
  })

  it('takes a message of a megabyte', () => {
    const message = Buffer.alloc(1_000_000, 1)
    expect(hmac('sha512', message, message)).toEqual(createHmac('sha512', message).update(message).digest())
  })
})
