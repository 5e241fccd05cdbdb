import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { createHarmlessDecoder, harmless, harmlessLine } from './harmless.ts'

/** What a terminal might obey: C0 but line feed and tab, DEL, C1, and what turns text around or hides it. */
const obeyed =
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
  /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\u{e0000}-\u{e007f}]/u

const attacks: [string, string][] = [
  ['CSI', '\u001b[2J\u001b[H'],
  ['CSI in one character', '\u009b2J'],
  ['a title by OSC', '\u001b]0;rm -rf\u0007'],
  ['the clipboard by OSC 52, in one character', '\u009d52;c;cm0=\u009c'],
  ['DCS', '\u001bP$q"p\u001b\\'],
  ['APC, PM and SOS', '\u001b_x\u001b\\\u001b^y\u001b\\\u001bXz\u001b\\'],
  ['text turned around', 'user\u202enimda\u202c \u2066x\u2069 \u061c'],
  ['text overwritten', 'all is well\rERROR\b\b\u007f'],
  ['a line feed of another kind', 'a\u2028b\u2029c\u000bd\u000ce'],
  ['invisible tags', '\u{e0041}\u{e007f}\u200b\ufeff'],
  ['shift out', '\u000e\u000f'],
]

describe('harmless text', () => {
  it.each(attacks)('has nothing left of %s', (_, attack) => {
    expect(attack).toMatch(obeyed)
    expect(harmless(attack)).not.toMatch(obeyed)
    expect(harmlessLine(attack)).not.toMatch(/[\n\t]/)
  })

  it('is the same text where there is nothing to fear', () => {
    const text = 'Ωμέγα 日本 émile\n\tpressure: 3.2 kPa'
    expect(harmless(text)).toBe(text)
    expect(harmless('one\r\ntwo')).toBe('one\ntwo')
  })

  it('comes out of any bytes, however they were cut', () => {
    const byte = fc.oneof(fc.constantFrom(0x1b, 0x0d, 0x0a, 0x9b, 0xc2, 0xe2, 0x80, 0xae), fc.nat(255))
    fc.assert(
      fc.property(fc.array(byte, { maxLength: 60 }), fc.nat(60), (bytes, cut) => {
        const whole = createHarmlessDecoder()
        const cutUp = createHarmlessDecoder()
        const one = whole.push(Buffer.from(bytes)) + whole.end()
        const two = [bytes.slice(0, cut), bytes.slice(cut)].map((part) => cutUp.push(Buffer.from(part)))
        expect(two.join('') + cutUp.end()).toBe(one)
        expect(one).not.toMatch(obeyed)
      }),
      { numRuns: 2000 },
    )
  })
})
