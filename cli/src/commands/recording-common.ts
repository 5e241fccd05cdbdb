import { createPublicKey, type KeyObject } from 'node:crypto'
import { existsSync, readFileSync, statSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import { SallyportError } from '@sallyport/core'
import { Command } from 'commander'

/** Where a serial gate keeps what it recorded, when nothing is named. */
const defaultStorage = '/var/lib/shim'

/** Loaded when it is used: the other commands do without the serial gate. */
export const loadGate = () => import('@sallyport/gate-serial')

export function recordingCommand(name: string, description: string): Command {
  return new Command(name).description(description).configureHelp({ sortOptions: true })
}

/** The recordings that a path stands for: a file, a directory of them, or the storage that has one. */
export async function recordingsAt(path = defaultStorage): Promise<string[]> {
  if (!isDirectory(path)) return [path]
  const { listRecordings } = await loadGate()
  const sessions = join(path, 'sessions')
  return naming(path, listRecordings(existsSync(sessions) ? sessions : path))
}

export function isDirectory(path: string): boolean {
  try {
    return statSync(path).isDirectory()
  } catch (error) {
    throw unreadable(path, error)
  }
}

/** The public key that was named, or the one in the `state` directory beside the recordings. */
export async function publicKeyFor(
  path: string,
  named: string | undefined,
): Promise<{ publicKey?: KeyObject }> {
  if (named !== undefined) return { publicKey: readPublicKey(named) }
  const { publicKeyFile } = await loadGate()
  const from = isDirectory(path) ? path : dirname(path)
  const found = [from, resolve(from, '..')]
    .map((folder) => join(folder, 'state', publicKeyFile))
    .find((file) => existsSync(file))
  return found === undefined ? {} : { publicKey: readPublicKey(found) }
}

function readPublicKey(file: string): KeyObject {
  const pem = readText(file)
  try {
    const key = createPublicKey(pem)
    if (key.asymmetricKeyType === 'ed25519') return key
  } catch {
    // Said below, for both.
  }
  throw new SallyportError('invalid_input', `${file}: is no Ed25519 public key`)
}

/** An auditor's private key, which opens what was sealed. */
export async function auditorKeyFrom(file: string | undefined): Promise<{ auditorKey?: KeyObject }> {
  if (file === undefined) return {}
  const { parseAuditorPrivateKey } = await loadGate()
  try {
    return { auditorKey: parseAuditorPrivateKey(readText(file)) }
  } catch (error) {
    throw error instanceof SallyportError && error.message.startsWith('is ')
      ? new SallyportError('invalid_input', `${file}: ${error.message}`)
      : error
  }
}

export function readText(file: string): string {
  try {
    return readFileSync(file, 'utf8')
  } catch (error) {
    throw unreadable(file, error)
  }
}

/** The file is named when it was the file that failed. */
export async function naming<T>(path: string, work: Promise<T>): Promise<T> {
  try {
    return await work
  } catch (error) {
    throw error instanceof SallyportError ? error : unreadable(path, error)
  }
}

function unreadable(path: string, cause: unknown): SallyportError {
  const { code, message } = cause as NodeJS.ErrnoException
  const why = code === 'ELOOP' ? 'it is a link, and none is followed' : (code ?? message)
  return new SallyportError('invalid_input', `${path}: cannot be read (${why})`, { cause })
}

export function seconds(milliseconds: number): string {
  const whole = Math.round(milliseconds / 1000)
  const [hours, minutes] = [Math.floor(whole / 3600), Math.floor(whole / 60) % 60]
  const two = (value: number) => String(value).padStart(2, '0')
  return `${hours}:${two(minutes)}:${two(whole % 60)}`
}
