import { type Random, randomInteger } from '../../clock.ts'

/** 32 symbols that are not mistaken for one another on paper or aloud: no 0, O, 1 or I. */
export const legible = 'ABCDEFGHJKLMNPQRSTUVWXYZ23456789'

/** Groups of random symbols: `ABCD-EFGH` for `[4, 4]`. */
export function drawGroups(
  random: Random,
  { alphabet, groups }: { alphabet: string; groups: readonly number[] },
): string {
  return groups
    .map((length) => Array.from({ length }, () => alphabet[randomInteger(random, alphabet.length)]).join(''))
    .join('-')
}
