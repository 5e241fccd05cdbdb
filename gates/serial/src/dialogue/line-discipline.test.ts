import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { parseCredential } from './credential.ts'
import { emptyLine, type Fed, feedLine, longestLine } from './line-discipline.ts'

function type(text: string | Uint8Array, masked = false): Fed {
  return feedLine(emptyLine, typeof text === 'string' ? Buffer.from(text) : text, { masked })
}

describe('the line that is typed', () => {
  it('shows who, and masks the code', () => {
    expect(type('alice@example.org 123456\r')).toMatchObject({
      echo: 'alice@example.org ******\r\n',
      ended: { text: 'alice@example.org 123456' },
    })
    expect(type('123456\n', true)).toMatchObject({ echo: '******\r\n', ended: { text: '123456' } })
  })

  it('takes back characters, never more than there are', () => {
    const { echo, ended } = type('ab\x7f\x08\x08\x7fé\x7fc\r')
    expect(ended).toEqual({ text: 'c' })
    expect(echo).toBe('ab\b \b\b \b*\b \bc\r\n')
  })

  it.each(['\r', '\n', '\r\n'])('ends at %j, once', (end) => {
    const first = type(`a${end}`)
    expect(first.ended).toEqual({ text: 'a' })
    const rest = feedLine(first.line, Buffer.from(`${end === '\r\n' ? '\n' : ''}b\r`), { masked: false })
    expect(rest.ended).toEqual({ text: 'b' })
  })

  it('takes two line feeds for two lines, and a second return for another', () => {
    expect(feedLine(type('a\n').line, Buffer.from('\n'), { masked: false }).ended).toEqual({ text: '' })
    expect(feedLine(type('a\r').line, Buffer.from('\r'), { masked: false }).ended).toEqual({ text: '' })
  })

  it('refuses lines of more than 256 bytes, and whatever is no text', () => {
    expect(type(`${'x'.repeat(longestLine)}\r`).ended).toEqual({ text: 'x'.repeat(longestLine) })
    expect(type(`${'x'.repeat(longestLine + 1)}\r`)).toMatchObject({ ended: { refused: 'too_long' } })
    expect(type(`${'x'.repeat(longestLine + 9)}\x7f\x7f\r`).ended).toEqual({ refused: 'too_long' })
    for (const bad of ['\x00', '\x03', '\x1b[A', '\t', '\x80', '\xff', '\u202e', '\u2028', '\u0085']) {
      const bytes =
        bad.charCodeAt(0) > 0x7f && bad.length === 1 && bad < '\u0100' ? Buffer.from(bad, 'latin1') : bad
      expect(
        type(Buffer.concat([Buffer.from('a '), Buffer.from(bytes as string), Buffer.from('1\r')])).ended,
        bad,
      ).toEqual({
        refused: 'control',
      })
    }
  })

  it('keeps at most one line of whatever is typed, in whatever pieces, and never echoes control bytes', () => {
    fc.assert(
      fc.property(fc.array(fc.uint8Array({ maxLength: 80 }), { maxLength: 12 }), (pieces) => {
        let line = emptyLine
        for (const piece of pieces) {
          const fed = feedLine(line, piece, { masked: false })
          line = fed.line
          expect(line.bytes.length).toBeLessThanOrEqual(longestLine)
          const shown = [...fed.echo].every((one) => (one >= ' ' && one <= '~') || '\r\n\b\x07'.includes(one))
          expect(shown).toBe(true)
        }
      }),
    )
  })
})

describe('a credential', () => {
  it('is two words, or a name alone', () => {
    expect(parseCredential('  alice  123456 ')).toEqual({ technician: 'alice', code: '123456' })
    expect(parseCredential(' alice ')).toEqual({ technician: 'alice', code: null })
    for (const text of ['', ' ', 'alice 123 456']) expect(parseCredential(text)).toBeNull()
  })
})
