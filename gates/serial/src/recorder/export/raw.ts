import type { ExportFormat } from './export-format.ts'

/** The bytes that passed, and nothing else. */
export function raw(): ExportFormat {
  return {
    begin: () => '',
    frame: ({ kind, bytes }) => (kind === 'in' || kind === 'out' ? bytes : ''),
    end: () => '',
  }
}
