import { constants } from 'node:fs'
import { lstat, open } from 'node:fs/promises'
import { type BundleRead, largestBundle } from './bundle.ts'

const { O_NOFOLLOW, O_NONBLOCK, O_RDONLY } = constants

/** Changes whenever the file is written or replaced; `null` when there is none. */
export async function stampOf(path: string): Promise<string | null> {
  try {
    const { ino, size, mtimeNs, ctimeNs } = await lstat(path, { bigint: true })
    return [ino, size, mtimeNs, ctimeNs].join(':')
  } catch {
    return null
  }
}

/** The text of a file that anybody may have put there: no link, no device, never more than a bundle has. */
export async function readBundleFile(path: string): Promise<BundleRead<string>> {
  const refused = (reason: string) => ({ status: 'refused', reason }) as const
  try {
    const file = await open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK)
    try {
      if (!(await file.stat()).isFile()) return refused('is no file')
      const buffer = Buffer.alloc(largestBundle + 1)
      const { bytesRead } = await file.read(buffer, 0, buffer.length, 0)
      if (bytesRead > largestBundle) return refused(`is larger than ${largestBundle} bytes`)
      return { status: 'good', value: buffer.toString('latin1', 0, bytesRead) }
    } finally {
      await file.close()
    }
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code === 'ENOENT') return refused('is not there')
    return refused(code === 'ELOOP' ? 'is a link, and none is followed' : `cannot be read (${code})`)
  }
}
