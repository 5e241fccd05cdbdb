import type { ExportFormat } from './export-format.ts'

/** A line for the header, one for each frame, and one for what the file proved. */
export function jsonl(): ExportFormat {
  const line = (value: unknown) => `${JSON.stringify(value)}\n`
  return {
    begin: ({ recipients, ...header }) => line({ kind: 'header', ...header, sealed: recipients.length > 0 }),
    frame({ number, kind, elapsed, at, bytes }) {
      const stamp = { frame: number, kind, elapsed_us: elapsed, at: new Date(at).toISOString() }
      if (kind === 'in' || kind === 'out') return line({ ...stamp, bytes: bytes.toString('base64') })
      return line({ ...stamp, detail: JSON.parse(bytes.toString()) })
    },
    end: ({ status, frames, digest, footer }) => line({ kind: 'end', status, frames, digest, footer }),
  }
}
