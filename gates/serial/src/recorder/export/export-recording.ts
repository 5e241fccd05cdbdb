import type { RecordingContent } from '../read-recording.ts'
import type { Direction } from '../recording.ts'
import { asciicast } from './asciicast.ts'
import type { ExportFormat } from './export-format.ts'
import { jsonl } from './jsonl.ts'
import { pcapng } from './pcapng.ts'
import { raw } from './raw.ts'
import { plainText } from './text.ts'

const formats = { raw, asciicast, jsonl, pcapng, text: plainText } satisfies Record<
  string,
  () => ExportFormat
>

export type ExportFormatName = keyof typeof formats
export const exportFormats = Object.keys(formats) as ExportFormatName[]

export interface ExportOptions {
  format: ExportFormatName
  /** Both, and events and gaps, without it. */
  direction?: Direction | undefined
}

/** The recording in another format, piece by piece, as it is read and checked. */
export async function* exportRecording(
  { header, frames, result }: RecordingContent,
  { format, direction }: ExportOptions,
): AsyncGenerator<Uint8Array | string, void, undefined> {
  const writer = formats[format]()
  yield writer.begin(header)
  for await (const frame of frames) {
    if (direction === undefined || frame.kind === direction) yield writer.frame(frame)
  }
  yield writer.end(result())
}
