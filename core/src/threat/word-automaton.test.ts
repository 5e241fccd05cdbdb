import fc from 'fast-check'
import { expect, it } from 'vitest'
import { createWordAutomaton } from './word-automaton.ts'

function findAll(words: readonly string[], text: string): string[] {
  const found: string[] = []
  createWordAutomaton(words)(text, (word, start) => found.push(`${start}:${word}`))
  return found.sort()
}

it('finds each word wherever it stands, also inside of others, in any case of letters', () => {
  expect(findAll(['select', 'elect', 'ion'], 'SELECTION')).toEqual(['0:0', '1:1', '6:2'])
  expect(findAll(["'", '--'], "a'b---")).toEqual(['1:0', '3:1', '4:1'])
  expect(findAll(['k'], '\u212a K')).toEqual(['2:0'])
})

it('finds the same as looking for each word by itself', () => {
  const letters = fc.string({ unit: fc.constantFrom('a', 'b', 'c'), minLength: 1, maxLength: 4 })
  fc.assert(
    fc.property(
      fc.uniqueArray(letters, { maxLength: 8 }),
      fc.string({ unit: fc.constantFrom('a', 'b', 'c', 'é') }),
      (words, text) => {
        const plain = words.flatMap((word, index) =>
          Array.from({ length: text.length }, (_, at) => at).flatMap((at) =>
            text.startsWith(word, at) ? `${at}:${index}` : [],
          ),
        )
        expect(findAll(words, text)).toEqual(plain.sort())
      },
    ),
  )
})
