/** A line longer than any entry can be; beyond it nothing is kept in memory. */
const MAX_LINE_BYTES = 1_048_576
const LINE_FEED = 0x0a

const strictDecoder = () => new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })
const wholeLines = strictDecoder()

export interface LineSplitter {
  /** The lines that `chunk` completes, without their line feeds; `null` for one that is no text. */
  push(chunk: string | Uint8Array): Generator<string | null, void, undefined>
  /** What came after the last line feed: `''` when there is nothing, `null` when it is no text. */
  rest(): string | null
}

/** Cuts a stream into lines at line feeds alone, byte by byte, in the memory of one line. */
export function createLineSplitter(): LineSplitter {
  let parts: Uint8Array[] = []
  let length = 0

  function keep(part: Uint8Array): void {
    length += part.length
    if (length > MAX_LINE_BYTES) parts = []
    else if (part.length > 0) parts.push(part)
  }

  function take(whole: boolean): string | null {
    const bytes = parts.length === 1 ? parts[0]! : Buffer.concat(parts)
    const text = length > MAX_LINE_BYTES ? null : decode(bytes, whole)
    parts = []
    length = 0
    return text
  }

  return {
    *push(chunk) {
      const bytes = typeof chunk === 'string' ? Buffer.from(chunk) : chunk
      let from = 0
      for (let at = bytes.indexOf(LINE_FEED); at >= 0; at = bytes.indexOf(LINE_FEED, from)) {
        keep(bytes.subarray(from, at))
        yield take(true)
        from = at + 1
      }
      // Copied: whoever owns the chunk may fill it anew.
      if (from < bytes.length) keep(Buffer.from(bytes.subarray(from)))
    },
    rest: () => take(false),
  }
}

/** Ill-formed UTF-8 is refused, not mended. A line that is not whole may end inside a character. */
function decode(bytes: Uint8Array, whole: boolean): string | null {
  try {
    return whole ? wholeLines.decode(bytes) : strictDecoder().decode(bytes, { stream: true })
  } catch {
    return null
  }
}
