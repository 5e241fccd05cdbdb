import { createPrivateKey, createPublicKey, type KeyObject } from 'node:crypto'
import { closeSync, fsyncSync, mkdirSync, openSync, readFileSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import { generateLedgerKey, ledgerKeyPem, loadLedgerKey, type Random, SallyportError } from '@sallyport/core'

const signingKeyFile = 'recording.key'
export const publicKeyFile = 'recording.pub'

/**
 * This shim's signing key, from its state directory; made at the first start. Beside it lies the public
 * key, which auditors are given.
 */
export function openSigningKey(stateDir: string, random: Random): KeyObject {
  mkdirSync(stateDir, { recursive: true, mode: 0o700 })
  const path = join(stateDir, signingKeyFile)
  const pem = readIfThere(path)
  const key = pem === null ? loadLedgerKey(generateLedgerKey(random)).privateKey : parse(path, pem)
  if (pem === null) create(path, key.export({ type: 'pkcs8', format: 'pem' }).toString())
  const publicPath = join(stateDir, publicKeyFile)
  if (readIfThere(publicPath) === null) create(publicPath, ledgerKeyPem(createPublicKey(key)))
  return key
}

function parse(path: string, pem: string): KeyObject {
  try {
    return loadLedgerKey(createPrivateKey(pem).export({ type: 'pkcs8', format: 'der' })).privateKey
  } catch (cause) {
    throw new SallyportError('vault_key_unreadable', `${path}: is no Ed25519 private key`, { cause })
  }
}

function readIfThere(path: string): string | null {
  try {
    return readFileSync(path, 'utf8')
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException
    if (code === 'ENOENT') return null
    throw new SallyportError('vault_key_unreadable', `${path}: cannot be read (${code})`, { cause })
  }
}

/** Never over one that is there: two that start at once must not each believe in a key of its own. */
function create(path: string, text: string): void {
  const fd = openSync(path, 'wx', 0o600)
  try {
    writeSync(fd, text)
    fsyncSync(fd)
  } finally {
    closeSync(fd)
  }
}
