import { createCipheriv, createDecipheriv, hkdfSync, randomBytes } from 'node:crypto'
import type { Row } from '../harness.ts'
import { openOnSqlite } from '../product.fixture.ts'
import { asyncRate, rate } from '../timing.ts'

const subject = 'subject'
const purpose = 'totp'

/** Against what most would write: HKDF and AES-256-GCM as Node has them, one call each. */
export function vaultRow(): Row {
  return {
    name: 'vault',
    title: 'opening a sealed secret of 20 bytes',
    async prepare() {
      const { vault, close } = await openOnSqlite()
      const secrets = Array.from({ length: 64 }, () => new Uint8Array(randomBytes(20)))
      const sealed = secrets.map((plaintext) => vault.seal({ subject, purpose, plaintext }))
      const plain = secrets.map(sealPlainly)
      const contenders = [
        {
          name: 'vault.open (ours)',
          run: (ms: number) =>
            asyncRate(ms, async (index) => {
              const at = index % secrets.length
              expectSecret(await vault.open({ subject, purpose, sealed: sealed[at]! }), secrets[at]!)
            }),
        },
        {
          name: 'hkdfSync + AES-256-GCM',
          run: async (ms: number) =>
            rate(ms, (index) => {
              const at = index % secrets.length
              expectSecret(plain[at]!(), secrets[at]!)
            }),
        },
      ]
      const claims = [
        { text: 'time to open', of: ['vault.open (ours)', 'CPU µs'], atMost: 8 },
        {
          text: 'ours ÷ hkdfSync + AES-256-GCM, time',
          of: ['vault.open (ours)', 'CPU µs'],
          per: ['hkdfSync + AES-256-GCM', 'CPU µs'],
          atMost: 1,
        },
      ] as const
      return { contenders, claims, close }
    },
  }
}

/** Seals the secret and answers what opens it. */
function sealPlainly(secret: Uint8Array): () => Uint8Array {
  const [ringKey, salt, nonce] = [randomBytes(32), randomBytes(16), randomBytes(12)]
  const aad = Buffer.from(`${purpose}\n${subject}`)
  const ownKey = () => new Uint8Array(hkdfSync('sha256', ringKey, salt, 'bench', 32))
  const cipher = createCipheriv('aes-256-gcm', ownKey(), nonce)
  cipher.setAAD(aad)
  const text = Buffer.concat([cipher.update(secret), cipher.final()])
  const tag = cipher.getAuthTag()
  return () => {
    const decipher = createDecipheriv('aes-256-gcm', ownKey(), nonce, { authTagLength: 16 })
    decipher.setAAD(aad)
    decipher.setAuthTag(tag)
    return Buffer.concat([decipher.update(text), decipher.final()])
  }
}

function expectSecret(opened: Uint8Array, secret: Uint8Array): void {
  if (opened[0] !== secret[0] || opened.length !== secret.length) throw new Error('another secret was opened')
}
