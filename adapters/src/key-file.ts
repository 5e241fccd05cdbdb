import { randomBytes } from 'node:crypto'
import { constants, type Stats } from 'node:fs'
import { link, open, unlink } from 'node:fs/promises'
import { dirname } from 'node:path'
import { SallyportError } from '@sallyport/core'
import { parseKeyText } from './key-text.ts'

/** A key is 64 characters at most; the rest is room for white space. */
const MAX_BYTES = 256

/**
 * Makes a key file that only its owner can read; `false` when there already is one. The file appears under
 * its name whole and durable, so neither a second node starting now nor a crash can meet half a key.
 */
export async function createKeyFile(path: string): Promise<boolean> {
  const draft = `${path}.${randomBytes(6).toString('hex')}.tmp`
  try {
    const file = await open(draft, 'wx', 0o600)
    try {
      await file.writeFile(`${randomBytes(32).toString('base64')}\n`)
      await file.sync()
    } finally {
      await file.close()
    }
    // Unlike a rename, a link never replaces what is there.
    await link(draft, path)
    await syncDirectory(dirname(path))
    return true
  } catch (error) {
    if (codeOf(error) === 'EEXIST') return false
    throw new SallyportError('vault_key_unreadable', `cannot make the key file ${path}: ${codeOf(error)}`)
  } finally {
    await unlink(draft).catch(() => {})
  }
}

/** Reads a key file, refusing one that others can read or that somebody else could have put there. */
export async function readKeyFile(path: string): Promise<Buffer> {
  // Non-blocking, since opening a named pipe would otherwise wait for a writer for ever.
  const flags = constants.O_RDONLY | constants.O_NONBLOCK
  const file = await open(path, flags).catch((error) => {
    throw unreadable(`cannot open the key file ${path}: ${codeOf(error)}`)
  })
  try {
    // Of the file that is open, not of the name, which may by now be another file's.
    checkAccess(path, await file.stat())
    const buffer = Buffer.alloc(MAX_BYTES + 1)
    const { bytesRead } = await file.read(buffer, 0, buffer.length, 0)
    const key = bytesRead > MAX_BYTES ? null : parseKeyText(buffer.toString('latin1', 0, bytesRead))
    buffer.fill(0)
    if (key) return key
    throw unreadable(`the key file ${path} does not hold 32 bytes in base64 or hex`)
  } finally {
    await file.close()
  }
}

function checkAccess(path: string, stats: Stats): void {
  if (!stats.isFile()) throw unreadable(`the key file ${path} is not a regular file`)
  const mode = stats.mode & 0o7777
  if ((mode & ~0o600) !== 0) {
    const octal = mode.toString(8).padStart(4, '0')
    throw unreadable(`the key file ${path} has mode ${octal}, wider than 0600: run chmod 600 ${path}`)
  }
  const us = process.geteuid?.()
  if (us !== undefined && stats.uid !== us && stats.uid !== 0) {
    throw unreadable(`the key file ${path} belongs to user ${stats.uid}: run chown ${us} ${path}`)
  }
}

async function syncDirectory(path: string): Promise<void> {
  const directory = await open(path, 'r')
  try {
    await directory.sync()
  } finally {
    await directory.close()
  }
}

const unreadable = (message: string) => new SallyportError('vault_key_unreadable', message)

function codeOf(error: unknown): string {
  return String((error as NodeJS.ErrnoException).code ?? 'unknown error')
}
