/** No row of a sensible file is longer; one that is was left open by a quote or a bracket. */
export const longestRow = 64 * 1024
export const tooLong = 'is longer than 64 KiB: is a quote or a bracket left open? What follows was not read'
export const notUtf8 = 'is not in UTF-8'

const strict = new TextDecoder('utf-8', { fatal: true })

/** Chunks with a character for every byte, so that no character is cut in two; without the mark of UTF-8. */
export async function* byteStrings(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<string> {
  let start: string | null = ''
  for await (const chunk of chunks) {
    const text = Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength).toString('latin1')
    if (start === null) {
      yield text
      continue
    }
    start += text
    if (start.length < byteOrderMark.length) continue
    yield withoutMark(start)
    start = null
  }
  if (start) yield withoutMark(start)
}

const byteOrderMark = '\xef\xbb\xbf'

function withoutMark(text: string): string {
  return text.startsWith(byteOrderMark) ? text.slice(byteOrderMark.length) : text
}

/** The text that the bytes are; `null` where they are no UTF-8. */
export function decodeBytes(bytes: string): string | null {
  if (!/[\x80-\xff]/.test(bytes)) return bytes
  try {
    return strict.decode(Buffer.from(bytes, 'latin1'))
  } catch {
    return null
  }
}
