import { constants } from 'node:fs'
import { link, open, rm } from 'node:fs/promises'
import { dirname } from 'node:path'

const { O_APPEND, O_CREAT, O_EXCL, O_NOFOLLOW, O_RDWR } = constants

/** Adds a line that outlives a power cut. One that was torn by an earlier cut is ended first. */
export async function appendLine(path: string, text: string): Promise<void> {
  const file = await open(path, O_APPEND | O_CREAT | O_NOFOLLOW | O_RDWR, 0o600)
  try {
    const { size } = await file.stat()
    const last = size === 0 ? null : (await file.read(Buffer.alloc(1), 0, 1, size - 1)).buffer[0]
    await file.appendFile(`${last === null || last === 0x0a ? '' : '\n'}${text}\n`)
    await file.sync()
    if (size === 0) await syncDirectory(dirname(path))
  } finally {
    await file.close()
  }
}

/** A new file that outlives a power cut, and is there whole or not at all. */
export async function createDurable(path: string, text: string): Promise<void> {
  const unfinished = `${path}.new`
  const file = await open(unfinished, O_CREAT | O_EXCL | O_NOFOLLOW | O_RDWR, 0o600)
  try {
    await file.writeFile(text)
    await file.sync()
    await link(unfinished, path)
  } finally {
    await file.close()
    await rm(unfinished, { force: true })
  }
  await syncDirectory(dirname(path))
}

async function syncDirectory(path: string): Promise<void> {
  const directory = await open(path)
  try {
    await directory.sync()
  } finally {
    await directory.close()
  }
}
