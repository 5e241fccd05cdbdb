/** What a terminal may be given as it is: text, line feeds and tabs. */
const dangerous = new RegExp(
  [
    String.raw`\r\n`, // one line feed
    String.raw`[\u0000-\u0008\u000b-\u001f\u007f]`, // C0 but tab and line feed, and DEL (ECMA-48)
    String.raw`[\u0080-\u009f]`, // C1: CSI, OSC, DCS and their like in one character
    String.raw`\p{Cf}`, // bidirectional controls, invisible joiners, tags
    String.raw`[\u2028\u2029\ufff9-\ufffb\ufe00-\ufe0f]`,
    String.raw`[\u{e000}-\u{f8ff}\u{f0000}-\u{10ffff}]`,
  ].join('|'),
  'gu',
)

/**
 * Text with nothing left in it that a terminal would obey: a control character becomes a picture of itself.
 * What followed an escape is then but letters, whatever sequence it was to be a part of.
 */
export function harmless(text: string): string {
  return text.toWellFormed().replaceAll(dangerous, (found) => {
    const code = found.codePointAt(0)!
    if (found === '\r\n') return '\n'
    if (code < 0x20) return String.fromCodePoint(0x2400 + code)
    if (code === 0x7f) return '\u2421'
    return `\\u{${code.toString(16)}}`
  })
}

/** The same for one line, such as an id in a table. */
export function harmlessLine(text: string): string {
  return harmless(text).replaceAll('\n', '\u240a').replaceAll('\t', '\u2409')
}

/** Bytes that come in pieces: characters and line ends may be cut anywhere. */
export function createHarmlessDecoder(): { push(bytes: Uint8Array): string; end(): string } {
  const decoder = new TextDecoder('utf-8', { ignoreBOM: true })
  let held = ''
  return {
    push(bytes) {
      const text = held + decoder.decode(bytes, { stream: true })
      held = text.endsWith('\r') ? '\r' : ''
      return harmless(held === '' ? text : text.slice(0, -1))
    },
    end: () => harmless(held + decoder.decode()),
  }
}
