import { createPublicKey, type KeyObject } from 'node:crypto'
import {
  generateLedgerKey,
  ledgerKeyPem,
  loadLedgerKey,
  type Random,
  SallyportError,
  tryLedgerPublicKey,
} from '@sallyport/core'

/** RFC 8410 §4: the SPKI wrapping of an Ed25519 key, up to its 32 bytes. */
const SPKI_ED25519 = Buffer.from('302a300506032b6570032100', 'hex')
const ONE_LINE = /^ed25519:([A-Za-z0-9_-]{43})$/

/** A pair for a place that makes bundles. */
export function generateBundleKey(random: Random): { privateKeyPem: string; publicKey: string } {
  const { privateKey, publicKey } = loadLedgerKey(generateLedgerKey(random))
  return {
    privateKeyPem: privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
    publicKey: bundleKeyText(publicKey),
  }
}

/** On one line, as `directory.public_key` takes it. */
function bundleKeyText(publicKey: KeyObject): string {
  const spki = publicKey.export({ type: 'spki', format: 'der' })
  return `ed25519:${spki.subarray(SPKI_ED25519.length).toString('base64url')}`
}

/** Whether this is meant to be the key itself, and no path to it. */
export function isBundleKeyInline(written: string): boolean {
  return written.startsWith('ed25519:') || written.startsWith('-----BEGIN ')
}

/** Takes the one-line form and PEM. */
export function parseBundleKey(text: string): KeyObject {
  const raw = ONE_LINE.exec(text.trim())?.[1]
  const key =
    raw === undefined
      ? tryLedgerPublicKey(text)
      : createPublicKey({
          key: Buffer.concat([SPKI_ED25519, Buffer.from(raw, 'base64url')]),
          ...{ format: 'der', type: 'spki' },
        })
  // A private key would be read as its public half: it has no business on a board.
  if (key === null || text.includes('PRIVATE KEY'))
    throw new SallyportError('invalid_input', 'is no Ed25519 public key, as `shim bundle keygen` prints it')
  return tryLedgerPublicKey(ledgerKeyPem(key))!
}
