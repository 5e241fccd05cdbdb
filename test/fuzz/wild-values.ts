/** Whole numbers below a limit, from the seed of the run. */
export type Below = (limit: number) => number

const texts = [
  '',
  ' ',
  '\0',
  'a\0b',
  '\r\nSet-Cookie: a=b',
  '\u202e\u2066evil\u2069',
  '\ufeff',
  'e\u0301',
  '🙂🙂',
  'İıſK',
  '000000',
  '１２３４５６',
  ' 123456 ',
  '-1',
  '1e309',
  'NaN',
  'undefined',
  'null',
  '__proto__',
  'constructor',
  '../../../etc/passwd',
  "' OR 1=1 --",
  '%',
  '{{7*7}}',
  '<script>alert(1)</script>',
  '*)(uid=*',
  'AAAA-BBBB',
  'cccccccccccccccccccccccccccccccccccccccccccc',
  'eyJhbGciOiJub25lIn0.e30.',
  'spk_aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa',
]

export function wildText(below: Below): string {
  const text = texts[below(texts.length)]!
  return below(20) === 0 ? text.padEnd(below(3_000), text || 'x') : text
}

const values: ((below: Below) => string)[] = [
  (below) => JSON.stringify(wildText(below)),
  (below) => JSON.stringify(wildText(below)),
  () => '"\\ud800"',
  () => '"\\udfff\\ud800x"',
  () => 'null',
  () => 'true',
  () => '0',
  () => '-0',
  () => '1e400',
  () => '-1.5',
  () => '9007199254740993',
  () => '123456',
  () => '{}',
  () => '[]',
  () => '{"__proto__":{"admin":true}}',
  () => '{"toString":null,"length":1e9}',
  () => '[[[[]]]]',
  (below) => '['.repeat(200) + below(9) + ']'.repeat(200),
  (below) => `${'{"a":'.repeat(100)}${below(9)}${'}'.repeat(100)}`,
  (below) => JSON.stringify('x'.repeat(below(4_000))),
  (below) => `[${Array.from({ length: below(300) }, (_, at) => at).join(',')}]`,
]

/** JSON text of something that hardly fits anywhere. */
export function wildValue(below: Below): string {
  return values[below(values.length)]!(below)
}

/** Bodies that are no JSON, too large, too deep, or JSON of another kind than an object. */
export const brokenBodies: ((below: Below, good: string) => Buffer)[] = [
  () => Buffer.from(''),
  (below) => Buffer.from(wildValue(below)),
  (below, good) => Buffer.from(good.slice(0, below(good.length))),
  (_, good) => Buffer.from(`\ufeff${good}`),
  (_, good) => Buffer.from(`${good}\0`),
  (_, good) => Buffer.from(`[${good}]`),
  (_, good) => Buffer.from(good, 'utf16le'),
  (_, good) => Buffer.from(good.replace('}', ',}')),
  (_, good) => Buffer.from(good.replace('{', '{"code":1,"code":"2",')),
  (_, good) => Buffer.concat([Buffer.from(good.slice(0, -1)), Buffer.from([0xff, 0xc0, 0x80, 0x22, 0x7d])]),
  (below) => Buffer.from(Array.from({ length: 1 + below(300) }, () => below(256))),
  (below) => Buffer.from('['.repeat(1 + below(30_000))),
  (below) => Buffer.from('{"a":'.repeat(1 + below(10_000))),
  (below) => Buffer.from(JSON.stringify({ code: 'x'.repeat(below(40) === 0 ? 66_000 : 300) })),
  (below) => Buffer.alloc(below(400) === 0 ? 600_000 : 10, 0x20),
]

/** Paths of nothing, and of something in another spelling. */
export const wildPaths: ((below: Below) => string)[] = [
  () => '/',
  () => '*',
  () => '//auth//login',
  () => '/auth/login/',
  () => '/AUTH/LOGIN',
  () => '/auth/%6cogin',
  () => '/auth/me%00',
  () => '/auth/me%2f',
  () => '/auth/%2e%2e/metrics',
  () => '/auth/../healthz',
  () => '/auth/./me',
  () => '/auth\\me',
  () => '/%',
  () => '/%zz%c0%ae',
  () => '/auth/me;x=1',
  () => '/auth/me?%ff=%ff&&&==',
  () => '/docs#x',
  () => '/__proto__',
  () => '/constructor/prototype',
  () => 'http://evil.example/auth/me',
  () => 'auth/me',
  () => '/?__proto__[admin]=1',
  () => '/\u00e9\u00ff',
  (below) => `/${'a/'.repeat(below(2_000))}`,
  (below) => `/api/mfa/status/${'%F0%9F%99%82'.repeat(below(100))}`,
  (below) => `/auth/sessions/${'x'.repeat(below(6_000))}`,
  (below) => `/auth/me?${'a=b&'.repeat(below(1_500))}`,
]
