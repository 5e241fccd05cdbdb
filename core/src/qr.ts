import { encode } from 'uqr'
import { SallyportError } from './errors.ts'

/** ISO/IEC 18004, section 9.1: four light modules on every side. */
const quietZone = 4
const pixelsPerModule = 4
/** All digits, in the largest code there is; of other characters fewer fit. */
const mostCharacters = 7089

/** A QR code as a picture for an `img` element, dark on light. */
export function qrPngDataUrl(text: string): string {
  return `data:image/png;base64,${Buffer.from(png(modulesOf(text))).toString('base64')}`
}

/** A QR code as an SVG document that scales to the space it is given. The text itself is not in it. */
export function qrSvg(text: string): string {
  const modules = modulesOf(text)
  const size = modules.length
  const dark = modules.flatMap((row, y) => row.map((isDark, x) => (isDark ? `M${x} ${y}h1v1h-1z` : '')))
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${size} ${size}" shape-rendering="crispEdges">`,
    `<path fill="#fff" d="M0 0h${size}v${size}h-${size}z"/>`,
    `<path fill="#000" d="${dark.join('')}"/>`,
    '</svg>',
  ].join('')
}

/**
 * A QR code for a terminal of 256 colours, two modules to a character. Black on white are asked for by
 * their numbers, so that it is dark on light whatever colours the terminal has.
 */
export function qrTerminal(text: string): string {
  const modules = modulesOf(text)
  const lines: string[] = []
  for (let y = 0; y < modules.length; y += 2) {
    const halves = modules[y]!.map((top, x) => ' ▄▀█'[2 * Number(top) + Number(modules[y + 1]?.[x] ?? false)])
    lines.push(`\x1b[38;5;16;48;5;231m${halves.join('')}\x1b[0m\n`)
  }
  return lines.join('')
}

/** True is dark. As small as the text allows, with the most error correction that size has room for. */
function modulesOf(text: string): boolean[][] {
  const message = `${text.length} characters do not fit a QR code`
  if (text.length > mostCharacters) throw new SallyportError('invalid_input', message)
  try {
    return encode(text.toWellFormed(), { ecc: 'L', boostEcc: true, border: quietZone }).data
  } catch (cause) {
    throw new SallyportError('invalid_input', message, { cause })
  }
}

/** PNG (W3C recommendation, third edition): one bit a pixel, greyscale, where 1 is white. */
function png(modules: boolean[][]): Uint8Array {
  const size = modules.length * pixelsPerModule
  const header = Buffer.alloc(13)
  header.writeUInt32BE(size, 0)
  header.writeUInt32BE(size, 4)
  header[8] = 1
  const rows = modules.flatMap((row) => Array<Uint8Array>(pixelsPerModule).fill(scanline(row)))
  return Buffer.concat([
    Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]),
    chunk('IHDR', header),
    chunk('IDAT', storedZlib(Buffer.concat(rows))),
    chunk('IEND', Buffer.alloc(0)),
  ])
}

/** The filter type (none), then the pixels from the highest bit down. */
function scanline(row: boolean[]): Uint8Array {
  const line = Buffer.alloc(1 + Math.ceil((row.length * pixelsPerModule) / 8))
  for (let x = 0; x < row.length * pixelsPerModule; x++) {
    if (!row[Math.floor(x / pixelsPerModule)]) line[1 + (x >> 3)]! |= 0x80 >> (x & 7)
  }
  return line
}

function chunk(type: string, data: Uint8Array): Uint8Array {
  const body = Buffer.concat([Buffer.from(type, 'latin1'), data])
  const length = Buffer.alloc(4)
  length.writeUInt32BE(data.length)
  const checksum = Buffer.alloc(4)
  checksum.writeUInt32BE(crc32(body))
  return Buffer.concat([length, body, checksum])
}

/** A zlib stream (RFC 1950) of stored blocks (RFC 1951, section 3.2.4): a few kilobytes need no compressor. */
function storedZlib(data: Uint8Array): Uint8Array {
  const parts: Uint8Array[] = [Buffer.from([0x78, 0x01])]
  for (let at = 0; at < data.length; at += 0xffff) {
    const block = data.subarray(at, at + 0xffff)
    const header = Buffer.alloc(5)
    header[0] = at + 0xffff >= data.length ? 1 : 0
    header.writeUInt16LE(block.length, 1)
    header.writeUInt16LE(block.length ^ 0xffff, 3)
    parts.push(header, block)
  }
  const checksum = Buffer.alloc(4)
  checksum.writeUInt32BE(adler32(data))
  return Buffer.concat([...parts, checksum])
}

function crc32(data: Uint8Array): number {
  let crc = 0xffff_ffff
  for (const byte of data) {
    crc ^= byte
    for (let bit = 0; bit < 8; bit++) crc = (crc >>> 1) ^ (0xedb8_8320 & -(crc & 1))
  }
  return ~crc >>> 0
}

function adler32(data: Uint8Array): number {
  let a = 1
  let b = 0
  for (const byte of data) {
    a = (a + byte) % 65521
    b = (b + a) % 65521
  }
  return ((b << 16) | a) >>> 0
}
