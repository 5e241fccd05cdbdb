import { execFile } from 'node:child_process'
import { createHash, hash } from 'node:crypto'
import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'

const patience = 10_000
const mostOutput = 64 * 1024
const shownOutput = 900

/** What heartbeats say of program and configuration. The files are read anew for each: they may be changed. */
export function createIntegrity(parts: {
  configFile: string
  /** Directories and files that the program was loaded from. */
  program: readonly string[]
  command: readonly string[] | undefined
}): () => Promise<Record<string, unknown>> {
  return async () => ({
    config_sha256: await hashOf([parts.configFile]),
    program_sha256: await hashOf(parts.program),
    ...(parts.command && { integrity: await report(parts.command) }),
  })
}

async function hashOf(paths: readonly string[]): Promise<string> {
  try {
    const sum = createHash('sha256')
    for (const path of paths) {
      for (const file of await filesOf(path)) {
        const text = await readFile(file)
        sum.update(`${file.slice(path.length)} ${text.length}\n`).update(text)
      }
    }
    return sum.digest('hex')
  } catch (error) {
    return `unreadable (${(error as NodeJS.ErrnoException).code})`
  }
}

async function filesOf(path: string): Promise<string[]> {
  const entries = await readdir(path, { recursive: true, withFileTypes: true }).catch(
    (error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOTDIR') return null
      throw error
    },
  )
  if (entries === null) return [path]
  return entries
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
    .sort()
}

function report([program = '', ...words]: readonly string[]): Promise<object> {
  return new Promise((resolve) => {
    execFile(program, words, { timeout: patience, maxBuffer: mostOutput }, (error, stdout) => {
      if (error) resolve({ failed: String(error.code ?? error.signal ?? error.message) })
      else resolve({ sha256: hash('sha256', stdout), output: stdout.slice(0, shownOutput) })
    })
  })
}
