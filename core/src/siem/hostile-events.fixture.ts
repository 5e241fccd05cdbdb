import type { SiemEvent } from './event.ts'

/** What clients might type to end a line, begin another, or hide one. */
export const hostileTexts: readonly string[] = [
  'two\nlines',
  'two\r\nlines',
  'a=b|c\\d]e"f',
  '\\',
  '"] <34>1 2026-01-01T00:00:00Z evil su - - - root',
  '5 <34>1',
  'nul\u0000nul',
  'separators\u2028\u2029\u0085\u000b\u000c',
  '\u001b[2J\u001b[31mred\u001b]0;title\u0007',
  'bidi\u202e\u2066\u200f\u061c',
  'half\ud83d\ude00\ud83d',
  '\ude00half',
  'invisible\u200b\ufeff\u00ad\u{e0041}',
  'Zoë O’Brien 🗝 名前',
  ' CEF:0|Evil|Evil|1|x|x|10|',
  "'; DROP TABLE siem_spool; --",
  'x'.repeat(1_000_000),
  '\n'.repeat(1_000_000),
  '',
]

export function hostileEvent(text: string, index: number): SiemEvent {
  return {
    ...{ id: `hostile:${index}`, at: 1_800_000_000_000 + index, type: 'failed_auth', severity: 'medium' },
    ...{ address: '192.0.2.7', subject: text },
    details: { agent: text, list: [text, text], [`key${text.slice(0, 50)}`]: text, nested: { text } },
  }
}
