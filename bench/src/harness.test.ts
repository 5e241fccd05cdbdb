import { describe, expect, it } from 'vitest'
import { type Contender, type Race, type Row, rotated, runRow } from './harness.ts'
import { rowToMarkdown } from './report.ts'

/** Answers the given figures run by run, the warm-up first, and notes when it ran. */
function scripted(name: string, figures: number[], order: string[]): Contender {
  let runs = 0
  return {
    name,
    async run() {
      order.push(name)
      return { rate: figures[runs++]! }
    },
  }
}

function rowOf(race: Race): Row {
  return { name: 'scripted', title: 'a row', prepare: async () => race }
}

const pace = { rounds: 3, ms: 1 }

describe('runRow', () => {
  it('runs everybody in turn, warms up once, and rotates who goes first', async () => {
    const order: string[] = []
    const contenders = ['a', 'b', 'c'].map((name) => scripted(name, [1, 1, 1, 1], order))
    await runRow(rowOf({ contenders, claims: [] }), pace)
    expect(order.join('')).toBe('abc' + 'abc' + 'bca' + 'cab')
  })

  it('answers medians without the warm-up, and the median of the ratios of each round', async () => {
    const contenders = [scripted('ours', [999, 10, 60, 30], []), scripted('peer', [999, 1, 20, 30], [])]
    const claims = [{ text: 'ratio', of: ['ours', 'rate'], per: ['peer', 'rate'] }] as const
    const result = await runRow(rowOf({ contenders, claims }), pace)
    expect(result.contenders[0]!.figures).toEqual({ rate: { median: 30, min: 10, max: 60 } })
    // 10/1, 60/20, 30/30: neither the ratio of the medians (1.5) nor their mean
    expect(result.claims[0]).toEqual({ text: 'ratio', value: { median: 3, min: 1, max: 10 }, holds: null })
  })

  it.each([
    [{ atLeast: 30 }, true],
    [{ atLeast: 30.1 }, false],
    [{ atMost: 30 }, true],
    [{ atMost: 29.9 }, false],
    [{ atLeast: 29, atMost: 31 }, true],
  ])('judges %o of a median of 30 as %s', async (bounds, holds) => {
    const contenders = [scripted('ours', [0, 10, 60, 30], [])]
    const result = await runRow(
      rowOf({ contenders, claims: [{ text: 'rate', of: ['ours', 'rate'], ...bounds }] }),
      pace,
    )
    expect(result.claims[0]).toMatchObject({ ...bounds, holds })
    expect(rowToMarkdown(result)).toMatch(holds ? /\| +holds \|/ : /\| +MISSED \|/)
  })

  it('closes what was prepared when a contender fails, and fails with it', async () => {
    let closed = false
    const failing = { name: 'ours', run: () => Promise.reject(new Error('misjudged')) }
    const close = async () => {
      closed = true
    }
    await expect(runRow(rowOf({ contenders: [failing], claims: [], close }), pace)).rejects.toThrow(
      'misjudged',
    )
    expect(closed).toBe(true)
  })

  it('refuses a claim about a figure that nobody measured', async () => {
    const contenders = [scripted('ours', [1, 1, 1, 1], [])]
    const claims = [{ text: 'rate', of: ['ours', 'speed'] }] as const
    await expect(runRow(rowOf({ contenders, claims }), pace)).rejects.toThrow('no figure "speed"')
    const stranger = [{ text: 'rate', of: ['theirs', 'rate'] }] as const
    await expect(runRow(rowOf({ contenders, claims: stranger }), pace)).rejects.toThrow('theirs')
  })
})

it('rotates whatever the round', () => {
  expect([0, 1, 2, 3, 4].map((round) => rotated(['a', 'b', 'c'], round).join(''))).toEqual([
    'abc',
    'bca',
    'cab',
    'abc',
    'bca',
  ])
})
