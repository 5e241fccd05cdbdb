import { createSecretKey } from 'node:crypto'
import { expect, it } from 'vitest'
import { createSeal, openBody } from './session-key.ts'

const sessionKey = Buffer.alloc(32, 7)

function prefixOf(serial: number): Buffer {
  const prefix = Buffer.alloc(32)
  prefix.writeBigUInt64BE(BigInt(serial), 8)
  return prefix
}

it('seals a block in the same way whether its cipher was made beforehand, for another block, or not at all', () => {
  const body = Buffer.from('one byte, or many')
  const sealedAfter = (...prepared: number[]) => {
    const seal = createSeal(sessionKey)
    for (const serial of prepared) seal.prepare(serial)
    return [5, 6].map((serial) => {
      const into = Buffer.alloc(body.length + seal.overhead)
      seal({ serial, prefix: prefixOf(serial), body }, into)
      return into.toString('hex')
    })
  }
  const plain = sealedAfter()
  for (const prepared of [[5], [6], [4], [4, 5], [5, 6]]) expect(sealedAfter(...prepared)).toEqual(plain)
  const [first, second] = plain.map((hex) => Buffer.from(hex, 'hex'))
  expect(first!.equals(second!)).toBe(false)
  expect(openBody(createSecretKey(sessionKey), prefixOf(5), first!)).toEqual(body)
  expect(openBody(createSecretKey(sessionKey), prefixOf(6), first!)).toBeNull()
})
