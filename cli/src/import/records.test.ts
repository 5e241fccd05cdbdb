import { describe, expect, it } from 'vitest'
import { csvRecords } from './csv-records.ts'
import { jsonRecords } from './json-records.ts'

/** Handed over in pieces of that many bytes, so that every border falls everywhere. */
async function* cut(content: string | Buffer, size: number) {
  const bytes = Buffer.from(content as string)
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size)
}

async function all(reader: typeof csvRecords, content: string | Buffer) {
  const outcomes = []
  for (const size of [1, 2, 3, 7, 1 << 16]) {
    const records = []
    for await (const record of reader(cut(content, size))) records.push(record)
    outcomes.push(records)
  }
  for (const outcome of outcomes) expect(outcome).toEqual(outcomes[0])
  return outcomes[0]!
}

const csv = (content: string | Buffer) => all(csvRecords, content)
const json = (content: string | Buffer) => all(jsonRecords, content)
const ada = { line: 2, fields: { email: 'ada@example.org', role: 'user' } }

describe('CSV', () => {
  it.each([
    ['line feeds', 'email,role\nada@example.org,user\n'],
    ['carriage returns too', 'email,role\r\nada@example.org,user\r\n'],
    ['no end to the last line', 'email,role\nada@example.org,user'],
    ['a mark of UTF-8', '\ufeffemail,role\nada@example.org,user\n'],
    ['quotes around all', '"email","role"\r\n"ada@example.org","user"\r\n'],
    ['names in capitals', 'EMail, Role \nada@example.org,user\n'],
    ['empty lines at the end', 'email,role\nada@example.org,user\n\n\r\n\n'],
  ])('is read with %s', async (_, content) => {
    expect(await csv(content)).toEqual([ada])
  })

  it('reads quoted commas, quotes and lines, and counts the lines within', async () => {
    const content = 'email,company\na@b.org,"Acme, ""Ltd"""\nb@b.org,"two\r\nlines"\n\nc@b.org,Zoë ☕\n'
    expect(await csv(content)).toEqual([
      { line: 2, fields: { email: 'a@b.org', company: 'Acme, "Ltd"' } },
      { line: 3, fields: { email: 'b@b.org', company: 'two\r\nlines' } },
      { line: 6, fields: { email: 'c@b.org', company: 'Zoë ☕' } },
    ])
  })

  it.each([
    ['too few fields', 'x@b.org', 'has 1 fields, and the first row has 2'],
    ['too many fields', 'x@b.org,user,more', 'has 3 fields, and the first row has 2'],
    ['a quote within', 'x@b.org,5" disk', 'has a quote in a field that does not begin with one'],
    ['text after a quote', 'x@b.org,"user"s', 'has something between a closing quote and the comma'],
    ['a space after a quote', '"x@b.org" ,user', 'has something between a closing quote and the comma'],
    ['a lone carriage return', 'x@b.org,us\rer', 'has a carriage return that ends no line'],
    ['one behind a quote', 'x@b.org,"us"\r"er"', 'has a carriage return that ends no line'],
  ])('refuses a row for %s, and goes on', async (_, row, fault) => {
    expect(await csv(`email,role\n${row}\nada@example.org,user\n`)).toEqual([
      { line: 2, fault },
      { ...ada, line: 3 },
    ])
  })

  it('refuses a row that is not in UTF-8, and goes on', async () => {
    const content = Buffer.concat([
      Buffer.from('email,role\n'),
      Buffer.from('zo\xeb@b.org,user\n', 'latin1'),
      Buffer.from('ada@example.org,user\n'),
    ])
    expect(await csv(content)).toEqual([
      { line: 2, fault: 'is not in UTF-8' },
      { ...ada, line: 3 },
    ])
  })

  it('says where a quote was opened that is never closed', async () => {
    expect(await csv('email,role\nada@example.org,user\nx@b.org,"user\ny@b.org,user\n')).toEqual([
      ada,
      { line: 3, fault: 'has a quote that is never closed' },
    ])
    const endless = `email,role\nada@example.org,user\nx@b.org,"${'user\n'.repeat(50_000)}`
    expect(await csv(endless)).toEqual([ada, { line: 3, fault: expect.stringContaining('64 KiB') }])
  })

  it.each([
    ['', /line 1: the file is empty/],
    ['\n\n', /line 1: the file is empty/],
    ['email;role\na;b\n', /line 1: .*parted by commas/],
    ['role,name\n', /line 1: .*no column email/],
    ['email,role,picture\n', /line 1: there is no column "picture"; there are email, role/],
    ['email,role,email\n', /line 1: the column email is named twice/],
    ['"email,role\n', /line 1: the first row has a quote that is never closed/],
    ['\u0000\u0001', /line 1/],
  ])('cannot be read at all from %j', async (content, message) => {
    const read = async () => {
      for await (const _ of csvRecords(cut(content, 16)));
    }
    await expect(read()).rejects.toMatchObject({
      code: 'invalid_input',
      message: expect.stringMatching(message),
    })
  })

  it('never quotes a first row that is no header', async () => {
    const read = async () => {
      for await (const _ of csvRecords(cut('email,$2b$10$abcdefghijklmnopqrstuv,GEZDGNBVGY3TQOJQ\n', 16)));
    }
    await expect(read()).rejects.toThrow(/^((?!abcdef|GEZD).)*$/)
  })
})

describe('JSON', () => {
  const fields = { email: 'a@b.org', company: 'braces } ] , and "quotes" \\', totp: ['A', 'B'] }

  it('is an array, however it is laid out', async () => {
    const rows = [fields, { email: 'ç@b.org' }]
    expect(await json(JSON.stringify(rows))).toEqual(rows.map((row) => ({ line: 1, fields: row })))
    const pretty = await json(`\ufeff${JSON.stringify(rows, null, 2)}\n`)
    expect(pretty).toEqual([
      { line: 2, fields: rows[0] },
      { line: 10, fields: rows[1] },
    ])
    expect(await json('[]')).toEqual([])
    expect(await json(' [ \n ] \n')).toEqual([])
  })

  it('is an object a line', async () => {
    const content = `${JSON.stringify(fields)}\r\n\n${JSON.stringify({ email: 'c@b.org' })}`
    expect(await json(content)).toEqual([
      { line: 1, fields },
      { line: 3, fields: { email: 'c@b.org' } },
    ])
  })

  it.each([
    [
      'a broken line',
      '{"email":\n{"a":"b"}',
      [
        { line: 1, fault: 'is no JSON' },
        { line: 2, fields: { a: 'b' } },
      ],
    ],
    [
      'a broken element',
      '[{"a":},\n{"a":"b"}]',
      [
        { line: 1, fault: 'is no JSON' },
        { line: 2, fields: { a: 'b' } },
      ],
    ],
    ['what is no object', '[1,\n[2],\nnull]', [1, 2, 3].map((line) => ({ line, fault: 'is no object' }))],
    [
      'a missing element',
      '[{"a":"b"},\n,{"a":"b"}]',
      [
        { line: 1, fields: { a: 'b' } },
        { line: 2, fault: 'is missing before a comma' },
        { line: 2, fields: { a: 'b' } },
      ],
    ],
    [
      'a comma at the end',
      '[{"a":"b"},\n]',
      [
        { line: 1, fields: { a: 'b' } },
        { line: 2, fault: 'is missing after a comma' },
      ],
    ],
    [
      'an open array',
      '[{"a":"b"},\n{"a":"b"}',
      [
        { line: 1, fields: { a: 'b' } },
        { line: 2, fault: 'lacks the end of the array' },
      ],
    ],
    ['an open string', '[{"a":"b},\n{}]', [{ line: 1, fault: 'lacks the end of the array' }]],
    ['more than an array', '[]\n[{"a":"b"}]', [{ line: 2, fault: 'stands behind the end of the array' }]],
  ])('refuses %s by its line', async (_, content, expected) => {
    expect(await json(content)).toEqual(expected)
  })

  it('stops at an element without end', async () => {
    expect(await json(`[{"a":"b"},\n{"a":"${'x'.repeat(1 << 17)}`)).toEqual([
      { line: 1, fields: { a: 'b' } },
      { line: 2, fault: expect.stringContaining('64 KiB') },
    ])
  })

  it('refuses what is not in UTF-8', async () => {
    expect(await json(Buffer.from('{"email":"zo\xeb@b.org"}\n', 'latin1'))).toEqual([
      { line: 1, fault: 'is not in UTF-8' },
    ])
  })
})
