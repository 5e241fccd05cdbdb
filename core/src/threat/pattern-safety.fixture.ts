/**
 * An upper bound of what one try of an expression can cost: how many ways its repetitions and alternatives can
 * be chosen. Throws at what has no bound: repetition without end, repeated groups that hold repetition, and
 * backreferences to text of any length.
 */
export function costOf(expression: string): number {
  const reader = createReader(expression)
  const cost = readAlternatives(reader)
  if (!reader.atEnd()) throw new Error(`cannot read the rest: ${reader.rest()}`)
  return cost
}

function createReader(text: string) {
  let at = 0
  return {
    atEnd: () => at >= text.length,
    rest: () => text.slice(at),
    /** Takes what the pattern matches here. */
    take(pattern: RegExp): string | null {
      const found = new RegExp(pattern.source, 'sy')
      found.lastIndex = at
      const taken = found.exec(text)?.[0] ?? null
      at += taken?.length ?? 0
      return taken
    },
  }
}

type Reader = ReturnType<typeof createReader>

function readAlternatives(reader: Reader): number {
  let cost = readSequence(reader)
  while (reader.take(/\|/) !== null) cost += readSequence(reader)
  return cost
}

/** Choices one after another multiply; a lookaround is left by its first success, so it only adds. */
function readSequence(reader: Reader): number {
  let choices = 1
  let aside = 0
  while (!reader.atEnd() && !/^[|)]/.test(reader.rest())) {
    const lookaround = reader.take(/\((?:\?[=!]|\?<[=!])/) !== null
    const group = lookaround || reader.take(/\((?:\?:)?(?!\?)/) !== null
    const inner = group ? readAlternatives(reader) : 1
    if (group && reader.take(/\)/) === null) throw new Error('a group is not closed')
    if (!group && reader.take(/\[(?:\\.|[^\]\\])*\]|\\(?:x[\da-f]{2}|u[\da-f]{4}|.)|[^|)(]/i) === null) {
      throw new Error(`cannot read: ${reader.rest().slice(0, 20)}`)
    }
    const times = readTimes(reader)
    if (lookaround) aside += inner
    else if (times.most === 1 || inner === 1) choices *= inner * (times.most - times.least + 1)
    else if (times.most <= 3) choices *= inner ** times.most
    else throw new Error('a group with choices of its own is repeated too often')
  }
  return choices + aside
}

function readTimes(reader: Reader): { least: number; most: number } {
  const quantifier = reader.take(/(?:\?|\*|\+|\{\d+(?:,\d*)?\})\??/)
  if (quantifier === null) return { least: 1, most: 1 }
  if (quantifier.startsWith('?')) return { least: 0, most: 1 }
  const [, least, comma, most] = /^\{(\d+)(,?)(\d*)\}/.exec(quantifier) ?? []
  if (least === undefined || (comma && !most)) throw new Error(`repetition without end: ${quantifier}`)
  return { least: Number(least), most: Number(most || least) }
}
