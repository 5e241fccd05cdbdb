import { createCipheriv, randomBytes } from 'node:crypto'
import { crc16, encodeModhex, importYubikeys, openBlock, systemClock } from '@sallyport/core'
import type { Row } from '../harness.ts'
import { openOnSqlite, type Product } from '../product.fixture.ts'
import { asyncRate, rate } from '../timing.ts'
import { demand } from '../walker.ts'

const names = { ours: 'start + verify', bare: 'decrypt + CRC' }
const publicId = 'cccccckdvvul'
const policy = {
  mode: 'fixed',
  required_steps: 1,
  factors: [{ id: 'key', label: 'YubiKey', type: 'yubikey' }],
}

/** The whole path of an OTP, beside the cryptography in it: what is not that is guard, counters and ledger. */
export function yubikeyRow(): Row {
  return {
    name: 'yubikey',
    title: 'an OTP of a YubiKey that is validated here, stored, on SQLite',
    async prepare() {
      const product = await openOnSqlite()
      const key = createKey()
      const subject = await enrol(product, key)
      const { secret } = key
      const block = key.type()
      const contenders = [
        {
          name: names.ours,
          run: (ms: number) =>
            asyncRate(ms, async () => {
              const otp = `${publicId}${encodeModhex(key.type())}`
              demand((await product.verifyOnce(subject, otp, policy)).status, 'complete')
            }),
        },
        {
          name: names.bare,
          run: async (ms: number) =>
            rate(ms, () => {
              if (!openBlock(block, secret)) throw new Error('the block does not open')
            }),
        },
      ]
      const claims = [
        {
          text: 'stored verification ÷ decrypt + CRC, time',
          of: [names.ours, 'CPU µs'],
          per: [names.bare, 'CPU µs'],
        },
      ] as const
      return { contenders, claims, close: product.close }
    },
  }
}

/** A key that is touched whenever it is asked to type. */
function createKey() {
  const secret = randomBytes(22)
  let uses = 256
  return {
    secret,
    type(): Buffer {
      const plain = Buffer.alloc(16)
      secret.copy(plain, 0, 0, 6)
      plain.writeUInt16LE(++uses >> 8, 6)
      plain.writeUInt8(uses & 255, 11)
      plain.writeUInt16LE(~crc16(plain.subarray(0, 14)) & 0xffff, 14)
      const cipher = createCipheriv('aes-128-ecb', secret.subarray(6), null).setAutoPadding(false)
      return Buffer.concat([cipher.update(plain), cipher.final()])
    },
  }
}

async function enrol(product: Product, key: ReturnType<typeof createKey>) {
  const { store, vault } = product
  const hex = key.secret.toString('hex')
  const lines = [`1,${publicId},${hex.slice(0, 12)},${hex.slice(12)},,`]
  const more = { clock: systemClock, actor: 'bench', apply: true, report: () => undefined }
  await importYubikeys(lines, { store, vault, ...more })
  const subject = await product.addSubject()
  const otp = `${publicId}${encodeModhex(key.type())}`
  demand((await product.yubikeys.enrol({ subject, otp, name: 'Key', asFirst: true })).status, 'enrolled')
  return subject
}
