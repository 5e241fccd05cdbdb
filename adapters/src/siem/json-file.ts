import { constants } from 'node:fs'
import { type FileHandle, open } from 'node:fs/promises'
import { dirname } from 'node:path'
import type { SiemTransport } from '@sallyport/core'
import { siemError } from './tls-files.ts'

const { O_APPEND, O_CREAT, O_NOFOLLOW, O_RDWR } = constants

/** Lines at the end of a file. It is opened for each batch, so that one that was rotated away is let go. */
export function createJsonFile({ path }: { path: string }): SiemTransport {
  return {
    limits: { events: 500, bytes: 1_000_000 },
    async deliver(lines) {
      try {
        await append(path, lines)
      } catch (error) {
        const { code, message } = error as NodeJS.ErrnoException
        const mend =
          'see that its directory is there, has room, and may be written by the user Sallyport runs as'
        throw siemError(path, `it cannot be written (${code ?? message})`, mend, error)
      }
    },
  }
}

async function append(path: string, lines: readonly string[]): Promise<void> {
  const file = await open(path, O_APPEND | O_CREAT | O_NOFOLLOW | O_RDWR, 0o600)
  try {
    const stats = await file.stat()
    if (!stats.isFile()) throw new TypeError('it is no file')
    const { size, mode } = stats
    if ((mode & 0o077) !== 0) await file.chmod(0o600)
    // A line that was torn by a crash ends here; it is repeated whole.
    const torn = size > 0 && !(await endsWithLineFeed(file, size))
    await file.appendFile(`${torn ? '\n' : ''}${lines.map((line) => `${line}\n`).join('')}`)
    await file.sync()
    if (size === 0) await syncDirectory(dirname(path))
  } finally {
    await file.close()
  }
}

async function endsWithLineFeed(file: FileHandle, size: number): Promise<boolean> {
  const { buffer } = await file.read(Buffer.alloc(1), 0, 1, size - 1)
  return buffer[0] === 0x0a
}

/** A new file's name is on the disk only once its directory is. */
async function syncDirectory(path: string): Promise<void> {
  const directory = await open(path)
  try {
    await directory.sync()
  } finally {
    await directory.close()
  }
}
