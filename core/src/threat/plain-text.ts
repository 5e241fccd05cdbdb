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
  /&(?:#x?0{0,7}[\da-f]{1,6};?|(?:lt|gt|quot|apos|amp|tab|newline|colon|lpar|rpar|sol|nbsp);?)|\\(?:x[\da-f]{2}|u[\da-f]{4}|u\{[\da-f]{1,6}\}|0{0,4}[\da-f]{2,5} ?)|%u[\da-f]{4}|\+a[dd][\dwy4]-|[\0\t-\r\u200b-\u200d\u00ad\u00bc\u00be\uff01-\uff5e\u2018-\u201d]/gi

const named: Readonly<Record<string, string>> = {
  ...{ lt: '<', gt: '>', quot: '"', apos: "'", amp: '&', tab: '', newline: '', colon: ':' },
  ...{ lpar: '(', rpar: ')', sol: '/', nbsp: ' ' },
}

/**
 * The text as a browser or an old server may come to read it: HTML entities, JavaScript's, CSS's and IIS's
 * escapes, UTF-7's brackets and full-width letters resolved, and control characters left out. `null` where
 * there is nothing of the kind.
 */
export function unmask(text: string): string | null {
  masked.lastIndex = 0
  return masked.test(text) ? text.replace(masked, reveal) : null
}

function reveal(mask: string): string {
  const first = mask.charCodeAt(0)
  if (mask.length === 1) {
    if (first >= 0xff01) return String.fromCharCode(first - 0xfee0)
    if (first === 0xbc) return '<'
    if (first === 0xbe) return '>'
    if (first >= 0x2018) return first < 0x201c ? "'" : '"'
    return ''
  }
  if (first === 0x2b) return mask.toLowerCase() === '+adw-' ? '<' : '>'
  const name = named[mask.slice(1).replace(';', '').toLowerCase()]
  if (name !== undefined) return name
  const decimal = /^&#\d/.test(mask)
  const [digits] = (decimal ? /\d+/ : /[\da-f]+(?=[;} ]?$)/i).exec(mask) ?? ['0']
  const code = Number.parseInt(digits, decimal ? 10 : 16)
  if (code < 0x20 || code > 0x10_ff_ff) return ''
  if (code >= 0xff01 && code <= 0xff5e) return String.fromCharCode(code - 0xfee0)
  return String.fromCodePoint(code)
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
  const marked = /[&=]/.test(kept) ? kept.replace(/(^|&)([^&=]*)=?/g, markParameter) : kept
  return decodePercent(marked, { plusIsSpace: true })
}

function markParameter(_whole: string, before: string, name: string): string {
  return `${before && fieldMark}${name}${fieldMark}`
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
