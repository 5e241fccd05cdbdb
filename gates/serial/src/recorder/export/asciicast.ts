import type { ExportFormat } from './export-format.ts'

/** asciicast v2 (docs.asciinema.org): a header line, then `[seconds, "o" | "i" | "m", text]`. */
export function asciicast(): ExportFormat {
  // A character may lie in two frames.
  const decoders = { in: new TextDecoder(), out: new TextDecoder() }
  let last = 0

  function line(code: string, text: string): string {
    return text === '' ? '' : `${JSON.stringify([last, code, text])}\n`
  }

  return {
    begin: ({ opened, device, technician }) =>
      `${JSON.stringify({
        ...{ version: 2, width: 80, height: 24, timestamp: Math.floor(opened / 1000) },
        title: `${technician.id} at ${device.id}`,
      })}\n`,
    frame({ kind, elapsed, bytes }) {
      last = elapsed / 1e6
      if (kind === 'in' || kind === 'out') {
        return line(kind === 'in' ? 'i' : 'o', decoders[kind].decode(bytes, { stream: true }))
      }
      return line('m', `${kind} ${bytes.toString()}`)
    },
    end: () => line('i', decoders.in.decode()) + line('o', decoders.out.decode()),
  }
}
