import { createReadStream, statSync } from 'node:fs'
import { extname } from 'node:path'
import { type ImportRecord, SallyportError } from '@sallyport/core'
import { csvRecords } from './csv-records.ts'
import { jsonRecords } from './json-records.ts'

export interface UserFile {
  size: number
  /** Reads the file from its start; `progress` is told how many bytes were read. */
  records(progress: (read: number) => void): AsyncGenerator<ImportRecord>
}

const readers = { '.csv': csvRecords, '.json': jsonRecords, '.jsonl': jsonRecords, '.ndjson': jsonRecords }

/** A file of users, which is read as a stream however large it is. */
export function openUserFile(path: string): UserFile {
  const extension = extname(path).toLowerCase()
  const read = Object.hasOwn(readers, extension) ? readers[extension as keyof typeof readers] : null
  if (!read) throw unusable(path, `its name must end in ${Object.keys(readers).join(', ')}`)
  const { size } = regularFile(path)
  return {
    size,
    async *records(progress) {
      const stream = createReadStream(path, { highWaterMark: 256 * 1024 })
      try {
        yield* read(counted(stream, progress))
      } catch (error) {
        if (error instanceof SallyportError) throw unusable(path, error.message)
        if (isSystemError(error)) throw unusable(path, `cannot be read (${error.code})`)
        throw error
      }
    },
  }
}

function regularFile(path: string) {
  let found: ReturnType<typeof statSync>
  try {
    found = statSync(path)!
  } catch (error) {
    throw unusable(path, `cannot be read (${(error as NodeJS.ErrnoException).code})`)
  }
  if (!found.isFile()) throw unusable(path, 'is no file')
  return found
}

async function* counted(stream: AsyncIterable<Uint8Array>, progress: (read: number) => void) {
  let read = 0
  for await (const chunk of stream) {
    yield chunk
    read += chunk.length
    progress(read)
  }
}

function isSystemError(error: unknown): error is NodeJS.ErrnoException {
  return error instanceof Error && 'syscall' in error
}

function unusable(path: string, reason: string): SallyportError {
  return new SallyportError('invalid_input', `${path}: ${reason}`)
}
