import {
  closeSync,
  fchmodSync,
  fchownSync,
  fsyncSync,
  openSync,
  renameSync,
  rmSync,
  type Stats,
  statSync,
  writeSync,
} from 'node:fs'
import { dirname } from 'node:path'
import { SallyportError } from '@sallyport/core'

/**
 * A file that is put in the place of the one before it when it is whole, with that one's owner and mode. That it
 * can be written is found out at once, before anything is decided that it is to hold.
 */
export function replaceFile(path: string): { write(text: string): void; discard(): void } {
  const next = `${path}.${process.pid}.new`
  let fd: number | null = open()

  function open(): number {
    const before = statSync(path, { throwIfNoEntry: false })
    try {
      const made = openSync(next, 'wx', before ? 0o600 : 0o644)
      if (before) keepAccess(made, before)
      return made
    } catch (cause) {
      rmSync(next, { force: true })
      throw unwritable(cause)
    }
  }
  function unwritable(cause: unknown): SallyportError {
    const { code } = cause as NodeJS.ErrnoException
    const advice =
      code === 'EACCES' ? `: its directory ${dirname(path)} must belong to whoever runs this` : ''
    return new SallyportError('invalid_input', `${path}: cannot be written (${code})${advice}`, { cause })
  }
  function discard(): void {
    if (fd !== null) closeSync(fd)
    fd = null
    rmSync(next, { force: true })
  }

  return {
    write(text) {
      try {
        writeSync(fd!, text)
        fsyncSync(fd!)
        renameSync(next, path)
      } catch (cause) {
        throw unwritable(cause)
      } finally {
        discard()
      }
    },
    discard,
  }
}

function keepAccess(fd: number, { uid, gid, mode }: Stats): void {
  if (process.geteuid?.() === 0) fchownSync(fd, uid, gid)
  fchmodSync(fd, mode & 0o777)
}
