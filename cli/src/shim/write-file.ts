import { closeSync, fsyncSync, openSync, renameSync, rmSync, writeSync } from 'node:fs'
import { SallyportError } from '@sallyport/core'

/**
 * A file that is put in the place of the one before it when it is whole. That it can be written is found out
 * at once, before anything is decided that it is to hold.
 */
export function replaceFile(path: string): { write(text: string): void; discard(): void } {
  const next = `${path}.${process.pid}.new`
  let fd: number | null = open()

  function open(): number {
    try {
      return openSync(next, 'wx', 0o644)
    } catch (cause) {
      throw unwritable(cause)
    }
  }
  function unwritable(cause: unknown): SallyportError {
    const { code } = cause as NodeJS.ErrnoException
    return new SallyportError('invalid_input', `${path}: cannot be written (${code})`, { cause })
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
