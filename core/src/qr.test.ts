import { execFileSync, spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { crc32, inflateSync } from 'node:zlib'
import { afterAll, describe, expect, it } from 'vitest'
import { qrPngDataUrl, qrSvg, qrTerminal } from './qr.ts'

const uri =
  'otpauth://totp/Example%20Ltd:alice%40example.org?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ&issuer=Example%20Ltd&algorithm=SHA1&digits=6&period=30'

const dataOf = (url: string) => Buffer.from(url.replace(/^data:image\/png;base64,/, ''), 'base64')

/** Reads a PNG strictly, by its specification, with zlib to check the stream: rows of light (true) and dark. */
function pixelsOf(png: Buffer): boolean[][] {
  expect(png.subarray(0, 8).toString('latin1')).toBe('\x89PNG\r\n\x1a\n')
  const chunks: Record<string, Buffer> = {}
  for (let at = 8; at < png.length; ) {
    const length = png.readUInt32BE(at)
    const body = png.subarray(at + 4, at + 8 + length)
    expect(png.readUInt32BE(at + 8 + length)).toBe(crc32(body))
    chunks[body.toString('latin1', 0, 4)] = body.subarray(4)
    at += 12 + length
  }
  expect(Object.keys(chunks)).toEqual(['IHDR', 'IDAT', 'IEND'])
  const [width, height] = [chunks.IHDR!.readUInt32BE(0), chunks.IHDR!.readUInt32BE(4)]
  expect([...chunks.IHDR!.subarray(8)]).toEqual([1, 0, 0, 0, 0])
  const stride = 1 + Math.ceil(width / 8)
  const data = inflateSync(chunks.IDAT!)
  expect(data).toHaveLength(stride * height)
  return Array.from({ length: height }, (_, y) =>
    Array.from({ length: width }, (_, x) => (data[y * stride + 1 + (x >> 3)]! & (0x80 >> (x & 7))) !== 0),
  )
}

const darkInPng = (text: string) =>
  pixelsOf(dataOf(qrPngDataUrl(text)))
    .filter((_, y) => y % 4 === 0)
    .map((row) => row.filter((_, x) => x % 4 === 0).map((light) => !light))

const darkInTerminal = (text: string) => {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: the colours are what is looked for
  const lines = [...qrTerminal(text).matchAll(/\x1b\[38;5;16;48;5;231m([ ▄▀█]+)\x1b\[0m\n/g)].map(
    ([, line]) => line!,
  )
  const rows = lines.flatMap((line) =>
    ['▀█', '▄█'].map((dark) => [...line].map((half) => dark.includes(half))),
  )
  return rows.slice(0, rows[0]!.length)
}

const darkInSvg = (text: string) => {
  const svg = qrSvg(text)
  const size = Number(/viewBox="0 0 (\d+) \1"/.exec(svg)![1])
  const rows = Array.from({ length: size }, () => Array<boolean>(size).fill(false))
  for (const [, x, y] of svg.matchAll(/M(\d+) (\d+)h1v1h-1z/g)) rows[Number(y)]![Number(x)] = true
  return rows
}

describe('QR codes', () => {
  it.each([uri, '', 'a', 'x'.repeat(500), 'x'.repeat(2953), '7'.repeat(7089)])(
    'show the same modules as PNG, SVG and terminal blocks, text %$',
    (text) => {
      const modules = darkInPng(text)
      expect(modules).toEqual(darkInSvg(text))
      expect(modules).toEqual(darkInTerminal(text))
    },
  )

  it('keep four light modules on every side', () => {
    const modules = darkInPng(uri)
    const edge = [0, 1, 2, 3, -4, -3, -2, -1]
    for (const at of edge) {
      expect(modules.at(at)).not.toContain(true)
      expect(modules.map((row) => row.at(at))).not.toContain(true)
    }
    expect(modules[4]!.slice(4, 12)).toEqual([true, true, true, true, true, true, true, false])
  })

  it('take half a surrogate pair for the replacement character', () => {
    expect(qrSvg('half \ud83d')).toBe(qrSvg('half \ufffd'))
  })

  it('hold nothing of the text that a page could take for markup', () => {
    expect(qrSvg('"/><script>alert(1)</script>')).toMatch(
      /^<svg [^<>]+><path [^<>]+\/><path [^<>]+\/><\/svg>$/,
    )
  })

  it.each([2954, 7090, 1_000_000])('refuse %i characters, which do not fit', (length) => {
    for (const make of [qrPngDataUrl, qrSvg, qrTerminal]) {
      expect(() => make('x'.repeat(length))).toThrow(expect.objectContaining({ code: 'invalid_input' }))
    }
  })
})

describe.skipIf(spawnSync('zbarimg', ['--version']).error)('QR codes, read by zbar', () => {
  const folder = mkdtempSync(join(tmpdir(), 'qr-'))
  afterAll(() => rmSync(folder, { recursive: true }))

  it.each([uri, 'ÄÖÜ 漢字 😀', ...[1, 10, 100, 300, 700, 1200, 1800, 2400, 2953].map(lengthy)])(
    'say what was put in, text %$',
    (text) => {
      const file = join(folder, 'code.png')
      writeFileSync(file, dataOf(qrPngDataUrl(text)))
      const read = execFileSync('zbarimg', ['--quiet', '--raw', '-Sdisable', '-Sqrcode.enable', file], {
        stdio: ['ignore', 'pipe', 'ignore'],
      })
      expect(read.toString()).toBe(`${text.toWellFormed()}\n`)
    },
  )
})

function lengthy(length: number): string {
  return 'otpauth://totp/?secret='.repeat(Math.ceil(length / 23)).slice(0, length)
}
