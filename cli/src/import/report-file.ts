import { closeSync, openSync, statSync, writeSync } from 'node:fs'
import { type ImportFinding, SallyportError } from '@sallyport/core'

export interface ReportFile {
  write(finding: ImportFinding): void
  close(): void
}

/** A CSV file of the rows that were not imported, readable by its owner only. It may not replace `input`. */
export function openReportFile(path: string, { input }: { input: string }): ReportFile {
  if (isSameFile(path, input)) {
    throw new SallyportError('invalid_input', `--report: ${path} is the file that is imported`)
  }
  let file: number
  try {
    file = openSync(path, 'w', 0o600)
  } catch (error) {
    const reason = (error as NodeJS.ErrnoException).code
    throw new SallyportError('invalid_input', `--report: ${path} cannot be written (${reason})`)
  }
  writeSync(file, 'line,email,reason\r\n')
  return {
    write({ line, email, field, reason }) {
      const told = field === null ? reason : `${field}: ${reason}`
      writeSync(file, `${line},${cellOf(email ?? '')},${cellOf(told)}\r\n`)
    },
    close: () => closeSync(file),
  }
}

function isSameFile(one: string, other: string): boolean {
  const [a, b] = [one, other].map((path) => statSync(path, { throwIfNoEntry: false }))
  return a !== undefined && b !== undefined && a.dev === b.dev && a.ino === b.ino
}

/** Quoted; and what a spreadsheet would take for a formula, and run, is made text. */
function cellOf(text: string): string {
  return `"${(/^[=+\-@]/.test(text) ? `'${text}` : text).replaceAll('"', '""')}"`
}
