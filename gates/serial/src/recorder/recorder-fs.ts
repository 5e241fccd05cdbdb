import {
  closeSync,
  constants,
  fdatasync,
  fstatSync,
  fsyncSync,
  ftruncateSync,
  openSync,
  writeSync,
} from 'node:fs'
import { statfs } from 'node:fs/promises'
import { promisify } from 'node:util'

/** The few calls by which recordings reach the disk, so that tests can make each of them fail. */
export interface RecorderFs {
  /** Makes a file that was not there, following no link. */
  create(path: string): number
  /** May write less than it was given, as write(2) does. */
  write(fd: number, bytes: Uint8Array, position: number): number
  sync(fd: number): Promise<void>
  truncate(fd: number, length: number): void
  close(fd: number): void
  /** Whether the file still has a name: one without is gone with its last descriptor. */
  hasName(fd: number): boolean
  syncDirectory(path: string): void
  /** Bytes that this process may still take. */
  free(path: string): Promise<number>
}

const { O_CREAT, O_EXCL, O_NOFOLLOW, O_RDONLY, O_WRONLY, O_DIRECTORY } = constants
const sync = promisify(fdatasync)

export const nodeFs: RecorderFs = {
  create: (path) => openSync(path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, 0o600),
  // Into the page cache, which takes microseconds: a turn through the thread pool takes longer than that.
  write: (fd, bytes, position) => writeSync(fd, bytes, 0, bytes.length, position),
  sync: (fd) => sync(fd),
  truncate: ftruncateSync,
  close: closeSync,
  hasName: (fd) => fstatSync(fd).nlink > 0,
  syncDirectory(path) {
    const fd = openSync(path, O_RDONLY | O_DIRECTORY)
    try {
      fsyncSync(fd)
    } finally {
      closeSync(fd)
    }
  },
  async free(path) {
    const { bavail, bsize } = await statfs(path)
    return bavail * bsize
  },
}
