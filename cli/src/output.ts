import { SallyportError } from '@sallyport/core'

/** Colour is for people: never in a pipe, a file, or against `NO_COLOR`. */
export const colour = process.stdout.isTTY && process.env.NO_COLOR === undefined

export const style = {
  bold: (text: string) => paint('1', text),
  dim: (text: string) => paint('2', text),
  green: (text: string) => paint('32', text),
  red: (text: string) => paint('31', text),
  yellow: (text: string) => paint('33', text),
}

function paint(code: string, text: string): string {
  return colour ? `\u001b[${code}m${text}\u001b[0m` : text
}

/** One answer, for a script with `--json`, for a person without. */
export function print(answer: { json: boolean; data: unknown; text: () => string }): void {
  process.stdout.write(`${answer.json ? JSON.stringify(answer.data, null, 2) : answer.text()}\n`)
}

export function warn(text: string): void {
  process.stderr.write(`${text}\n`)
}

/** What went wrong, for a person or as JSON, on standard error. Never a stack for an expected error. */
export function printError(error: unknown, json: boolean): void {
  const known = error instanceof SallyportError
  const code = known ? error.code : 'internal'
  const message = error instanceof Error ? error.message : String(error)
  if (json) {
    process.stderr.write(
      `${JSON.stringify({ error: { code, message, ...(known && error.faults.length > 0 ? { faults: error.faults } : {}) } })}\n`,
    )
    return
  }
  const label =
    process.stderr.isTTY && process.env.NO_COLOR === undefined ? '\u001b[31merror\u001b[0m' : 'error'
  process.stderr.write(`${label} (${code}): ${message}\n`)
  if (!known && error instanceof Error && error.stack) process.stderr.write(`${error.stack}\n`)
}

/** For a script: a person was told by the command line's parser itself. */
export function printWrongUsage({ code, message }: { code: string; message: string }): void {
  const reason = code === 'commander.help' ? 'name a command' : message.replace(/^error: /, '')
  process.stderr.write(`${JSON.stringify({ error: { code: 'wrong_usage', message: reason } })}\n`)
}

/** Columns padded to their widest cell. */
export function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const widths = head.map((title, column) =>
    Math.max(title.length, ...rows.map((row) => row[column]?.length ?? 0)),
  )
  const line = (cells: readonly string[]) =>
    cells
      .map((cell, column) => cell.padEnd(widths[column]!))
      .join('  ')
      .trimEnd()
  return [style.bold(line(head)), ...rows.map(line)].join('\n')
}

/** A bar on a terminal, a line now and then elsewhere. */
export function createProgress(label: string): (done: number, total: number) => void {
  let last = 0
  return (done, total) => {
    const share = total === 0 ? 1 : done / total
    if (process.stderr.isTTY) {
      const width = 28
      const full = Math.round(share * width)
      process.stderr.write(
        `\r${label} ${'█'.repeat(full)}${'░'.repeat(width - full)} ${done}/${total}${done >= total ? '\n' : ''}`,
      )
      return
    }
    if (done < total && share - last < 0.1) return
    last = share
    process.stderr.write(`${label} ${done}/${total}\n`)
  }
}
