import { describe, expect, it } from 'vitest'
import { decodePercent, readJson, readParameters, squeeze, unmask } from './plain-text.ts'

describe('percent-encoding', () => {
  it.each([
    ['a%20b', 'a b'],
    ['%C3%A9', 'é'],
    ['100%', '100%'],
    ['%zz%4', '%zz%4'],
    ['%2527', '%27'],
    ['%ff', '\ufffd'],
    ['%c0%ae%c0%ae%c0%af', '../'],
    ['%e0%80%ae', '.'],
    ['é%41', 'éA'],
  ])('of %s is undone once', (text, plain) => {
    expect(decodePercent(text, { plusIsSpace: false })).toBe(plain)
  })

  it('has plus for a blank in parameters only', () => {
    expect(decodePercent('a+b', { plusIsSpace: false })).toBe('a+b')
    expect(readParameters('a=b+c&d')).toBe('a=b c\x01d')
  })
})

describe('squeezing', () => {
  it.each([
    ['a \t\n b', 'a b'],
    ['union/**/select', 'union select'],
    ['/*!50000select*/ 1', ' select 1'],
    ['a /* b', 'a /* b'],
    ['*/*', ' *'],
  ])('makes of %j what a server reads', (text, plain) => {
    expect(squeeze(text)).toBe(plain)
  })
})

describe('unmasking', () => {
  it.each([
    ['&#60;&#x3c&lt;', '<<<'],
    ['java&Tab;script&colon;', 'javascript:'],
    ['java\tscript', 'javascript'],
    [String.raw`\x3c\u003c\u{3c}\3c a`, '<<<<a'],
    ['%u003c', '<'],
    ['\uff1cscript\uff1e', '<script>'],
    ['+ADw-x+AD4-', '<x>'],
    ['&#x110000;&#99999999;', ''],
    ['&#x1F600;', '😀'],
    ['&unknown; &lt', '&unknown; <'],
  ])('resolves %j', (text, plain) => {
    expect(unmask(text)).toBe(plain)
  })

  it('answers null where nothing is masked', () => {
    expect(unmask('plain & simple, 100 % + tax')).toBeNull()
  })
})

describe('secrets', () => {
  it('are not looked at: in parameters, under their encoded names too, nor in JSON', () => {
    expect(readParameters('user=a&password=hidden&p%61sswd=hidden&x=y')).toBe('user=a\x01x=y')
    const json = {
      a: 'seen',
      password: 'hidden',
      list: [{ api_key: 'hidden', code: 'hidden', zipcode: 'seen too' }],
    }
    expect(readJson(json)).not.toContain('hidden')
    expect(readJson(json)).toContain('seen too')
  })

  it('end no walk: JSON nested without end is looked at as deep as it makes sense', () => {
    let deep: unknown = 'bottom'
    for (let level = 0; level < 5_000; level++) deep = [deep]
    expect(readJson({ top: 'top', deep })).toBe('top\x01top\x01deep')
  })
})
