/** What a person types at the gate's prompt, before the line is theirs. Pure: bytes in, echo and a line out. */

export const longestLine = 256

const key = { backspace: 0x08, lineFeed: 0x0a, return: 0x0d, space: 0x20, delete: 0x7f }
const bell = '\x07'
const erase = '\b \b'

export interface TypedLine {
  readonly bytes: readonly number[]
  /** Why the line will be refused when it ends; nothing more is kept of it, nor echoed. */
  readonly spoilt: 'too_long' | 'control' | null
  /** The last line ended in a carriage return: a line feed right behind it belongs to that end. */
  readonly afterReturn: boolean
}

export const emptyLine: TypedLine = { bytes: [], spoilt: null, afterReturn: false }

export interface Fed {
  line: TypedLine
  echo: string
  /** The line that ended; what was typed behind it is not looked at. */
  ended: { text: string } | { refused: 'too_long' | 'control' } | null
}

/** `masked`: nothing but a code is asked for; otherwise what follows the first space is the code. */
export function feedLine(typed: TypedLine, input: Uint8Array, { masked }: { masked: boolean }): Fed {
  let line = typed
  let echo = ''
  for (const byte of input) {
    const belongsToEnd = byte === key.lineFeed && line.afterReturn
    line = { ...line, afterReturn: false }
    if (belongsToEnd) continue
    if (byte === key.return || byte === key.lineFeed) {
      return {
        line: { ...emptyLine, afterReturn: byte === key.return },
        echo: `${echo}\r\n`,
        ended: endOf(line),
      }
    }
    const next = takeByte(line, byte, masked)
    line = next.line
    echo += next.echo
  }
  return { line, echo, ended: null }
}

function takeByte(line: TypedLine, byte: number, masked: boolean): { line: TypedLine; echo: string } {
  if (byte === key.backspace || byte === key.delete) return eraseLast(line)
  if (line.spoilt) return { line, echo: '' }
  if (byte < key.space) return { line: { ...line, spoilt: 'control' }, echo: bell }
  if (line.bytes.length >= longestLine) return { line: { ...line, spoilt: 'too_long' }, echo: bell }
  const hidden = masked || line.bytes.includes(key.space)
  const echo = isContinuation(byte) ? '' : hidden || byte > key.delete ? '*' : String.fromCharCode(byte)
  return { line: { ...line, bytes: [...line.bytes, byte] }, echo }
}

/** Takes back one character, however many bytes it has; on a spoilt line, nothing. */
function eraseLast(line: TypedLine): { line: TypedLine; echo: string } {
  if (line.spoilt || line.bytes.length === 0) return { line, echo: '' }
  const start = line.bytes.findLastIndex((byte) => !isContinuation(byte))
  return { line: { ...line, bytes: line.bytes.slice(0, Math.max(0, start)) }, echo: erase }
}

/** RFC 3629, section 3: the second and later bytes of a character. */
function isContinuation(byte: number): boolean {
  return (byte & 0xc0) === 0x80
}

function endOf({ bytes, spoilt }: TypedLine): NonNullable<Fed['ended']> {
  if (spoilt) return { refused: spoilt }
  try {
    const text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(Uint8Array.from(bytes))
    return /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/u.test(text) ? { refused: 'control' } : { text }
  } catch {
    return { refused: 'control' }
  }
}
