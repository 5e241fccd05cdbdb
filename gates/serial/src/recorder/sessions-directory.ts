import { chmodSync, constants, lstatSync, mkdirSync } from 'node:fs'
import { type FileHandle, open, readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { SallyportError } from '@sallyport/core'
import { HASH_BYTES, MAGIC, PREFIX_BYTES } from './block.ts'
import { readBlocks } from './block-reader.ts'
import { parseFooter, parseHeader, type RecordingFooter, type StoredHeader } from './header.ts'

const SUFFIX = '.session'
const LONGEST_ID = 64

/** What a file says of itself; nothing of it is proven before it is verified. */
export interface RecordingSummary {
  path: string
  size: number
  /** `null`: the file does not begin as a recording does. */
  header: StoredHeader | null
  /** `null` while it is open, and after a crash. */
  footer: RecordingFooter | null
}

/** Makes the directory ours alone. */
export function ensureSessionsDirectory(dir: string): void {
  mkdirSync(dir, { recursive: true, mode: 0o700 })
  const found = lstatSync(dir)
  if (!found.isDirectory()) {
    throw new SallyportError('config_invalid', `${dir}: is no directory; recordings follow no links`)
  }
  if ((found.mode & 0o077) !== 0) chmodSync(dir, 0o700)
}

/** `2026-04-15T09-22-03.<device>-<technician>.session`; `take` tells namesakes of one second apart. */
export function recordingFileName(header: {
  opened: number
  device: string
  technician: string
  take: number
}) {
  const at = new Date(header.opened).toISOString().slice(0, 19).replaceAll(':', '-')
  const names = `${safeName(header.device)}-${safeName(header.technician)}`
  return `${at}.${names}${header.take > 1 ? `~${header.take}` : ''}${SUFFIX}`
}

/** Ids come from configuration, and from people: what could lead out of the directory is not in the name. */
function safeName(id: string): string {
  const safe = id.replaceAll(/[^A-Za-z0-9@._-]/g, '_').slice(0, LONGEST_ID)
  return safe.replace(/^[.-]+/, '_') || '_'
}

/** The recordings of a directory, by name, which is by age. */
export async function listRecordings(dir: string): Promise<string[]> {
  const entries = await readdir(dir, { withFileTypes: true })
  return entries
    .filter((entry) => entry.isFile() && entry.name.endsWith(SUFFIX))
    .map((entry) => join(dir, entry.name))
    .sort()
}

/** Follows no link and waits for no pipe. */
export async function openRecording(path: string): Promise<FileHandle> {
  const { O_RDONLY, O_NOFOLLOW, O_NONBLOCK } = constants
  const file = await open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK)
  if ((await file.stat()).isFile()) return file
  await file.close()
  throw new SallyportError('invalid_input', `${path}: is no file`)
}

/** Header and footer alone, whatever the size between them. */
export async function summarize(path: string): Promise<RecordingSummary> {
  const file = await openRecording(path)
  try {
    const { size } = await file.stat()
    const first = await readBlocks(file).next()
    const header = first.done || first.value.kind !== 'header' ? null : parseHeader(first.value.body)
    return { path, size, header, footer: header === null ? null : await readFooter(file, size) }
  } finally {
    await file.close()
  }
}

const END_BYTES = PREFIX_BYTES + 68 + HASH_BYTES

/** The file's last block says how long the footer before it is. */
async function readFooter(file: FileHandle, size: number): Promise<RecordingFooter | null> {
  const end = await readAt(file, { from: size - END_BYTES, length: END_BYTES })
  if (end === null || end.toString('latin1', 0, 2) !== 'E\u0001') return null
  const length = end.readUInt32BE(PREFIX_BYTES + 64)
  if (length > 16_384) return null
  const block = await readAt(file, { from: size - END_BYTES - length, length })
  if (block === null || block.toString('latin1', 0, 2) !== 'F\u0001') return null
  return parseFooter(block.subarray(PREFIX_BYTES, length - HASH_BYTES))
}

async function readAt(file: FileHandle, at: { from: number; length: number }): Promise<Buffer | null> {
  if (at.from < MAGIC.length) return null
  const buffer = Buffer.alloc(at.length)
  const { bytesRead } = await file.read(buffer, 0, at.length, at.from)
  return bytesRead === at.length ? buffer : null
}
