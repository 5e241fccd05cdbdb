import type { Frame } from '../frame.ts'
import type { StoredHeader } from '../header.ts'
import type { RecordingContent } from '../read-recording.ts'
import type { Direction } from '../recording.ts'
import type { RecordingVerification } from '../verify-recording.ts'
import { asciicast } from './asciicast.ts'
import { jsonl } from './jsonl.ts'
import { pcapng } from './pcapng.ts'
import { raw } from './raw.ts'
import { plainText } from './text.ts'

/** How one format writes a recording: before the frames, for each of them, and after them. */
export interface ExportFormat {
  begin(header: StoredHeader): Uint8Array | string
  frame(frame: Frame): Uint8Array | string
  end(result: RecordingVerification): Uint8Array | string
}

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
