import { harmless, harmlessLine } from '../harmless.ts'
import type { ExportFormat } from './export-format.ts'

/** For reading: a line for each frame, `time direction text`, with nothing in it that a terminal obeys. */
export function plainText(): ExportFormat {
  return {
    begin: ({ session, device, port, technician, opened }) =>
      [
        `session     ${harmlessLine(session)}`,
        `device      ${harmlessLine(device.id)}, port ${harmlessLine(port)}`,
        `technician  ${harmlessLine(technician.id)}`,
        `opened      ${new Date(opened).toISOString()}`,
        '',
        '',
      ].join('\n'),
    frame({ kind, elapsed, bytes }) {
      const lines = harmless(bytes.toString()).replaceAll('\n', '\u240a\n').trimEnd().split('\n')
      const head = `${(elapsed / 1e6).toFixed(6).padStart(13)}  ${kind.padEnd(5)}  `
      return `${lines.map((line, index) => (index === 0 ? head : ' '.repeat(head.length)) + line).join('\n')}\n`
    },
    end: ({ status, frames, footer }) =>
      `\n${status}: ${frames} frames${footer === null ? '' : `, closed: ${harmlessLine(footer.reason)}`}\n`,
  }
}
