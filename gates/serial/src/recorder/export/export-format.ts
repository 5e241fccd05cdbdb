import type { Frame } from '../frame.ts'
import type { StoredHeader } from '../header.ts'
import type { RecordingVerification } from '../verify-recording.ts'

/** How one format writes a recording: before the frames, for each of them, and after them. */
export interface ExportFormat {
  begin(header: StoredHeader): Uint8Array | string
  frame(frame: Frame): Uint8Array | string
  end(result: RecordingVerification): Uint8Array | string
}
