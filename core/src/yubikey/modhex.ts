/** Hexadecimal in the sixteen letters that sit on the same keys of most keyboards: what a YubiKey types. */
const letters = 'cbdefghijklnrtuv'
const digits = '0123456789abcdef'

export function encodeModhex(bytes: Uint8Array): string {
  return translate(Buffer.from(bytes).toString('hex'), digits, letters)
}

/** The bytes, in either case of the letters; `null` where the text is anything else. */
export function decodeModhex(text: string): Buffer | null {
  if (text.length % 2 !== 0 || !/^[cbdefghijklnrtuv]*$/i.test(text)) return null
  return Buffer.from(translate(text.toLowerCase(), letters, digits), 'hex')
}

function translate(text: string, from: string, to: string): string {
  return [...text].map((character) => to[from.indexOf(character)]).join('')
}
