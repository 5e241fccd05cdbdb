import type { JudgedRequest } from '@sallyport/core'

/** Texts made to be slow: every word of the patterns again and again, never the rest of what follows it. */
const repeated: Readonly<Record<string, string>> = {
  letters: 'a',
  blanks: ' ',
  quotes: "'",
  'quotes and brackets': "') ",
  'quote, or': "' or ",
  percent: '%25',
  'percent-encoded quotes': '%27%20or%20',
  'overlong dots': '%c0%ae',
  select: 'select ',
  'select commas': 'select a,a,a ',
  'union all': 'union all ',
  'case when': 'case when a ',
  'open comments': '/*',
  'closed comments': '/**/',
  'half tags': '<img ',
  'style attributes': 'style=a ',
  'broken-out': `">`,
  'on handlers': ' onload',
  javascript: 'javascript: ',
  entities: '&#x41;',
  escapes: '\\u0041',
  dots: '../',
  slashes: '/etc/',
  semicolons: '; ',
  'semicolon cat': ';cat ',
  pipes: '|',
  backticks: '`',
  braces: '{{',
  dollars: '${',
  addresses: 'http://1.1',
  brackets: '[][(![]+',
  concat: 'concat(',
  'zero x': '0x0x',
  'full-width': '＜',
  'field marks': '\x01',
  parameters: 'a=b&',
  'null bytes': '%00',
  'conditions that never compare': `'or @@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@ `,
  'commands that never run': `;(((cat aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa `,
  'address with no end': 'http://a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a',
  mixed: `' or 1 select * from union(select sleep( <script javascript: ../ ;cat /etc {{ \${jndi `,
}

export function hostileTexts(length: number): { name: string; request: JudgedRequest }[] {
  const texts = Object.entries(repeated).map(([name, piece]) => ({ name, text: fill(piece, length) }))
  return texts.flatMap(({ name, text }) => [
    { name: `${name}, in a query`, request: { userAgent: null, path: '/', query: text } },
    { name: `${name}, in JSON`, request: { userAgent: null, path: '/', query: '', body: { a: text } } },
  ])
}

function fill(piece: string, length: number): string {
  return piece.repeat(Math.ceil(length / piece.length)).slice(0, length)
}
