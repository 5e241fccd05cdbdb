/** Calls `found(word, start)` for every place in `text` where one of the words stands, in any case of letters. */
export type FindWords = (text: string, found: (word: number, start: number) => void) => void

/**
 * Aho-Corasick (1975) as a table: one look-up for each character, however many words there are. Words are of
 * ASCII characters; states at which a word ends come last, so that one comparison tells them.
 */
export function createWordAutomaton(words: readonly string[]): FindWords {
  const folded = words.map((word) => word.toLowerCase())
  const { classes, width } = classify(folded)
  const states = grow(folded, classes)
  const order = [...states.keys()].sort((a, b) => Number(isEnd(a)) - Number(isEnd(b)) || a - b)
  function isEnd(state: number) {
    return states[state]!.ends.length > 0
  }
  const placeOf = new Map(order.map((state, place) => [state, place * width]))
  const table = new Int32Array(states.length * width)
  for (const [state, { next }] of states.entries()) {
    for (let kind = 0; kind < width; kind++) {
      table[placeOf.get(state)! + kind] = placeOf.get(next[kind] ?? 0)!
    }
  }
  const firstEnd = order.filter((state) => !isEnd(state)).length * width
  const endsAt = order.map((state) => states[state]!.ends)
  const lengths = folded.map((word) => word.length)

  return (text, found) => {
    let state = 0
    for (let index = 0; index < text.length; index++) {
      const code = text.charCodeAt(index)
      state = code < 128 ? table[state + classes[code]!]! : 0
      if (state < firstEnd) continue
      for (const word of endsAt[state / width]!) found(word, index + 1 - lengths[word]!)
    }
  }
}

/** The characters that occur in words, each a class of its own; all others are class 0. */
function classify(words: readonly string[]): { classes: Uint8Array; width: number } {
  const classes = new Uint8Array(128)
  let width = 1
  for (const character of new Set(words.join(''))) {
    const kind = width++
    classes[character.charCodeAt(0)] = kind
    classes[character.toUpperCase().charCodeAt(0)] = kind
  }
  return { classes, width }
}

interface State {
  next: number[]
  ends: number[]
}

/** The trie of the words, made total breadth first: where it has no branch it goes on as its longest suffix does. */
function grow(words: readonly string[], classes: Uint8Array): State[] {
  const states: State[] = [{ next: [], ends: [] }]
  for (const [word, letters] of words.entries()) {
    let state = 0
    for (const letter of letters) {
      const { next } = states[state]!
      const kind = classes[letter.charCodeAt(0)]!
      if (next[kind] === undefined) next[kind] = states.push({ next: [], ends: [] }) - 1
      state = next[kind]
    }
    states[state]!.ends.push(word)
  }
  const queue: { state: number; suffix: number }[] = [{ state: 0, suffix: 0 }]
  const width = Math.max(...classes) + 1
  for (const { state, suffix } of queue) {
    const { next, ends } = states[state]!
    if (state !== 0) ends.push(...states[suffix]!.ends)
    for (let kind = 1; kind < width; kind++) {
      const beyond = state === 0 ? 0 : states[suffix]!.next[kind]!
      if (next[kind] === undefined) next[kind] = beyond
      else queue.push({ state: next[kind]!, suffix: beyond })
    }
  }
  return states
}
