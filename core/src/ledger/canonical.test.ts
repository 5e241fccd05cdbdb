import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { encodeBody, genesisHash, hashBody, parseBody, readEntry } from './canonical.ts'
import type { LedgerRecord } from './entry.ts'

const place = { ledger: 'main', seq: 1, prev: genesisHash('main') }
const encode = (change: object) => encodeBody(place, { type: 'a.b', at: 1, ...change } as LedgerRecord)
const data = (value: unknown) => encode({ data: { value } })

describe('encodeBody', () => {
  it('writes one fixed text', () => {
    const body = encode({ gate: 'http', data: { b: [], a: true, '10': 'x', '9': null } })
    expect(body).toBe(
      `{"ledger":"main","seq":1,"prev":"${place.prev}","at":1,"type":"a.b","subject":null,"actor":null,` +
        '"gate":"http","data":{"10":"x","9":null,"a":true,"b":[]}}',
    )
  })

  it.each([
    ['NaN', Number.NaN],
    ['infinity', Number.POSITIVE_INFINITY],
    ['a float', 0.5],
    ['an unsafe integer', 2 ** 53],
    ['undefined', undefined],
    ['an object', {}],
    ['a date', new Date(0)],
    ['a bigint', 1n],
    ['a boxed string', Object('x')],
    ['a symbol', Symbol('x')],
    ['a function', () => 1],
    ['an array with a number', ['a', 1]],
    ['an array with a hole', new Array(1)],
    ['an array in an array', [['a']]],
  ])('refuses %s as a value', (_name, value) => {
    expect(() => data(value)).toThrowError(expect.objectContaining({ code: 'invalid_input' }))
  })

  it.each([
    ['no type', { type: '' }],
    ['a type that is no string', { type: 1 }],
    ['a time that is a float', { at: 1.5 }],
    ['no time', { at: undefined }],
    ['a subject that is a number', { subject: 1 }],
    ['data that is an array', { data: [] }],
    ['data that is a string', { data: 'x' }],
    ['a key with half a character', { data: { '\ud800': 1 } }],
    ['a key without end', { data: { ['k'.repeat(129)]: 1 } }],
    ['an array without end', { data: { list: new Array(100).fill('x'.repeat(1024)) } }],
  ])('refuses %s', (_name, change) => {
    expect(() => encode(change)).toThrowError(expect.objectContaining({ code: 'invalid_input' }))
  })

  it('cuts long strings and says so', () => {
    const value = parseBody(data('x'.repeat(1_000_000)))?.data.value as string
    expect(value).toHaveLength(1024)
    expect(value.endsWith('x… [1000000 characters]')).toBe(true)
    expect(parseBody(data('x'.repeat(1024)))?.data.value).toBe('x'.repeat(1024))
  })

  it('makes ill-formed strings well-formed, also where it cuts', () => {
    expect(parseBody(data('a\ud800b'))?.data.value).toBe('a\ufffdb')
    const cut = parseBody(data('😀'.repeat(1000)))?.data.value as string
    expect(cut.isWellFormed()).toBe(true)
    expect(parseBody(data(`x${'😀'.repeat(1000)}`))?.data.value).toSatisfy((text: string) =>
      text.isWellFormed(),
    )
  })

  it('keeps an own key named __proto__ as data', () => {
    const record = JSON.parse('{"__proto__":"x","constructor":"y"}')
    const back = parseBody(encode({ data: record }))
    expect(Object.entries(back!.data)).toEqual([
      ['__proto__', 'x'],
      ['constructor', 'y'],
    ])
    expect(Object.getPrototypeOf(back!.data)).toBe(Object.prototype)
  })

  it('never writes a line feed or another control character, whatever comes in', () => {
    const unit = fc.oneof(
      fc.string({ unit: 'binary' }),
      fc.constantFrom('\n', '\u0000', '\u2028', '\udfff', '"', '\\'),
    )
    const text = fc.array(unit).map((units) => units.join(''))
    const value = fc.oneof(text, fc.maxSafeInteger(), fc.boolean(), fc.constant(null), fc.array(text))
    const key = text.map((name) => name.toWellFormed().slice(0, 20).toWellFormed())
    fc.assert(
      fc.property(fc.dictionary(key, value), text, (fields, subject) => {
        const body = encode({ data: fields, subject })
        expect([...body].every((char) => char >= ' ')).toBe(true)
        expect(Buffer.from(body).toString()).toBe(body)
        const back = parseBody(body)!
        expect(encodeBody(back, back)).toBe(body)
      }),
      { seed: 1 },
    )
  })
})

describe('parseBody', () => {
  const body = encode({ data: { a: 1, b: 'x' } })

  it.each([
    ['a space', body.replace('"a":1', '"a": 1')],
    ['another order', body.replace('"a":1,"b":"x"', '"b":"x","a":1')],
    ['a key twice', body.replace('"a":1', '"a":2,"a":1')],
    ['another spelling of a number', body.replace('"a":1', '"a":1.0')],
    ['another spelling of a character', body.replace('"x"', '"\\u0078"')],
    ['a further field', body.replace('"data"', '"more":1,"data"')],
    ['a missing field', body.replace('"actor":null,', '')],
    ['no object', 'null'],
    ['no JSON', '{'],
  ])('refuses %s', (_name, text) => {
    expect(text).not.toBe(body)
    expect(parseBody(text)).toBeNull()
  })
})

describe('readEntry', () => {
  const body = encode({ subject: 's', data: { list: ['a'] } })
  const entry = { seq: 1, hash: hashBody(body), body }

  it('gives the record back', () => {
    expect(readEntry(entry)).toEqual({
      ...place,
      ...{
        at: 1,
        type: 'a.b',
        subject: 's',
        actor: null,
        gate: null,
        data: { list: ['a'] },
        hash: entry.hash,
      },
    })
  })

  it.each([
    ['an edited body', { ...entry, body: body.replace('"s"', '"t"') }],
    ['another hash', { ...entry, hash: genesisHash('x') }],
    ['another place', { ...entry, seq: 2 }],
    ['a hashed text that is no entry', { seq: 1, hash: hashBody('{}'), body: '{}' }],
  ])('refuses %s', (_name, wrong) => {
    expect(() => readEntry(wrong)).toThrowError(expect.objectContaining({ code: 'ledger_damaged' }))
  })
})
