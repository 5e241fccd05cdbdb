import { fieldMark } from './pattern.ts'

/**
 * Percent-encoding undone once, as a server undoes it. Bytes that are no UTF-8 become U+FFFD, but for the
 * overlong forms of ASCII (`%c0%ae` for a dot): no sound encoder writes them and old servers read them, so
 * they are judged as what they stand for.
 */
export function decodePercent(text: string, options: { plusIsSpace: boolean }): string {
  const spaced = options.plusIsSpace && text.includes('+') ? text.replaceAll('+', ' ') : text
  if (!spaced.includes('%')) return spaced
  const bytes = new TextEncoder().encode(spaced)
  let end = 0
  for (let index = 0; index < bytes.length; index++) {
    const high = bytes[index] === 0x25 ? hexDigit(bytes[index + 1]) : -1
    const low = high < 0 ? -1 : hexDigit(bytes[index + 2])
    if (low >= 0) index += 2
    bytes[end++] = low < 0 ? bytes[index]! : high * 16 + low
    end = foldOverlong(bytes, end)
  }
  return new TextDecoder().decode(bytes.subarray(0, end))
}

/** An overlong form of an ASCII character that ends at `end` becomes that character. */
function foldOverlong(bytes: Uint8Array, end: number): number {
  const last = bytes[end - 1]!
  if (last >> 6 !== 2 || end < 2) return end
  const lead = bytes[end - 2]!
  if (lead === 0xc0 || lead === 0xc1) {
    bytes[end - 2] = ((lead & 1) << 6) | (last & 0x3f)
    return end - 1
  }
  if (end < 3 || bytes[end - 3] !== 0xe0 || (lead !== 0x80 && lead !== 0x81)) return end
  bytes[end - 3] = ((lead & 1) << 6) | (last & 0x3f)
  return end - 2
}

function hexDigit(code = 0): number {
  if (code >= 0x30 && code <= 0x39) return code - 0x30
  const letter = code | 0x20
  return letter >= 0x61 && letter <= 0x66 ? letter - 0x57 : -1
}

const unsqueezed = /[^\S ]|\s\s|\/\*|\*\//

/** Comments and runs of blanks become one space. What stands in a MySQL `/*!50000 … *\/` is no comment. */
export function squeeze(text: string): string {
  return unsqueezed.test(text) ? withoutComments(text).replace(/\s+/g, ' ') : text
}

function withoutComments(text: string): string {
  let kept = ''
  let from = 0
  for (let open = text.indexOf('/*'); open >= 0; open = text.indexOf('/*', from)) {
    const close = text.indexOf('*/', open + 2)
    if (close < 0) break
    const runs = text.charCodeAt(open + 2) === 0x21
    const inside = runs ? text.slice(open + 3, close).replace(/^\d{1,6}/, '') : ''
    kept += `${text.slice(from, open)} ${inside}${runs ? ' ' : ''}`
    from = close + 2
  }
  return (from === 0 ? text : kept + text.slice(from)).replaceAll('*/', ' ')
}

const masked =
  /&(?:#|lt|gt|quot|apos|amp|tab|newline|colon|lpar|rpar|sol|nbsp)|\\[xu\da-f]|%u[\da-f]|\+a[dd][\dwy4]-|[\0\t-\r\u200b-\u200d\u00ad\u00bc\u00be\uff01-\uff5e\u2018-\u201d]/i

/**
 * The text as a browser or an old server may come to read it: HTML entities, JavaScript's, CSS's and IIS's
 * escapes, UTF-7's brackets and full-width letters resolved, and control characters left out. `null` where
 * there is nothing of the kind.
 */
export function unmask(text: string): string | null {
  if (!masked.test(text)) return null
  // Never longer than the text: a mask has more letters than what it stands for.
  const shown = new Uint16Array(text.length)
  let end = 0
  for (let index = 0; index < text.length; ) {
    const code = text.charCodeAt(index)
    const mask = code < 128 ? maskAt(text, index, code) : null
    const meant = foldLetter(mask === null ? code : mask.code)
    index += mask === null ? 1 : mask.length
    if (meant >= 0x1_00_00) shown[end++] = 0xd800 + ((meant - 0x1_00_00) >> 10)
    if (meant !== 0) shown[end++] = meant >= 0x1_00_00 ? 0xdc00 + (meant & 0x3ff) : meant
  }
  return new TextDecoder('utf-16le').decode(shown.subarray(0, end))
}

/** What looks like an ASCII letter becomes it; what is not seen becomes 0. */
function foldLetter(code: number): number {
  if (code < 0x20) return code === 1 ? 1 : 0
  if (code < 0xad) return code
  if (code >= 0xff01 && code <= 0xff5e) return code - 0xfee0
  if (code === 0xbc) return 0x3c
  if (code === 0xbe) return 0x3e
  if (code >= 0x2018 && code <= 0x201d) return code < 0x201c ? 0x27 : 0x22
  return code === 0xad || (code >= 0x200b && code <= 0x200d) || code > 0x10_ff_ff ? 0 : code
}

interface Mask {
  code: number
  length: number
}

/** The mask that begins here, if one does. */
function maskAt(text: string, index: number, code: number): Mask | null {
  if (code === 0x26) return entityAt(text, index)
  if (code === 0x5c) return escapeAt(text, index)
  if (code === 0x25 && (text.charCodeAt(index + 1) | 0x20) === 0x75)
    return numberAt(text, { index, skip: 2, least: 4, most: 4 })
  if (code !== 0x2b || text.charCodeAt(index + 4) !== 0x2d) return null
  const utf7 = text.slice(index + 1, index + 4).toLowerCase()
  return utf7 === 'adw' || utf7 === 'ad4' ? { code: utf7 === 'adw' ? 0x3c : 0x3e, length: 5 } : null
}

const entities: Readonly<Record<string, number>> = {
  ...{ lt: 0x3c, gt: 0x3e, quot: 0x22, apos: 0x27, amp: 0x26, tab: 0, newline: 0, colon: 0x3a },
  ...{ lpar: 0x28, rpar: 0x29, sol: 0x2f, nbsp: 0x20 },
}
const entityName = /[a-z]{2,7}/iy

function entityAt(text: string, index: number): Mask | null {
  if (text.charCodeAt(index + 1) === 0x23) {
    const hex = (text.charCodeAt(index + 2) | 0x20) === 0x78
    return numberAt(text, { index, skip: hex ? 3 : 2, least: 1, most: 8, decimal: !hex, closing: 0x3b })
  }
  entityName.lastIndex = index + 1
  const name = entityName.exec(text)?.[0] ?? ''
  const code = entities[name.toLowerCase()]
  if (code === undefined) return null
  const closed = text.charCodeAt(index + 1 + name.length) === 0x3b
  return { code, length: 1 + name.length + Number(closed) }
}

function escapeAt(text: string, index: number): Mask | null {
  const kind = text.charCodeAt(index + 1) | 0x20
  if (kind === 0x78) return numberAt(text, { index, skip: 2, least: 2, most: 2 })
  if (kind === 0x75 && text.charCodeAt(index + 2) === 0x7b)
    return numberAt(text, { index, skip: 3, least: 1, most: 6, closing: 0x7d })
  if (kind === 0x75) return numberAt(text, { index, skip: 2, least: 4, most: 4 })
  // CSS ends its escapes with a blank, where a digit might be mistaken for one more.
  return numberAt(text, { index, skip: 1, least: 2, most: 6, closing: 0x20 })
}

function numberAt(
  text: string,
  form: { index: number; skip: number; least: number; most: number; decimal?: boolean; closing?: number },
): Mask | null {
  const { index, skip, least, most, decimal = false, closing } = form
  let code = 0
  let count = 0
  for (; count < most; count++) {
    const digit = hexDigit(text.charCodeAt(index + skip + count) || 0)
    if (digit < 0 || (decimal && digit > 9)) break
    code = code * (decimal ? 10 : 16) + digit
  }
  if (count < least) return null
  const closed = closing !== undefined && text.charCodeAt(index + skip + count) === closing
  return { code, length: skip + count + Number(closed) }
}

/** Names of fields whose values are nobody's business, in JSON, queries, forms and cookies alike. */
const secretName =
  /pass|pwd|secret|token|otp|^pin$|^(?:mfa|backup|recovery|auth|verification)?[-_]?code$|credential|authorization|api[-_]?key|signature/i

export function isSecretName(name: string): boolean {
  return secretName.test(name)
}

/** The parameters of a query or form, decoded once, without those named as secrets. */
export function readParameters(raw: string): string {
  const kept = secretName.test(raw) ? withoutSecrets(raw) : raw
  return decodePercent(kept.replace(/&(?!#)/g, fieldMark), { plusIsSpace: true })
}

function withoutSecrets(raw: string): string {
  const parts = raw.split('&')
  return parts.filter((part) => !isSecretName(nameOf(part)) || !part.includes('=')).join('&')
}

function nameOf(part: string): string {
  return decodePercent(part.slice(0, part.indexOf('=')).slice(0, 200), { plusIsSpace: true })
}

const deepest = 32

/** Every string and key of a JSON value, without fields named as secrets, fields marked off from one another. */
export function readJson(value: unknown): string {
  const parts: string[] = []
  const visit = (part: unknown, depth: number): void => {
    if (typeof part === 'string') parts.push(part)
    if (typeof part !== 'object' || part === null || depth > deepest) return
    for (const [name, inner] of Object.entries(part)) {
      if (!Array.isArray(part)) parts.push(name)
      if (!isSecretName(name)) visit(inner, depth + 1)
    }
  }
  visit(value, 0)
  return parts.join(fieldMark)
}
