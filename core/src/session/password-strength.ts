import type { Fault } from '../errors.ts'
import { passwordFaults } from '../factors/password.ts'
import type { Subject } from '../store.ts'
import { commonPasswords } from './common-passwords.ts'

/** What must remain of a password when everything that is easy to guess about it is taken away. */
const leastRest = 8
const rows = ['1234567890', 'qwertyuiop', 'asdfghjkl', 'zxcvbnm']
const columns = ['1qaz', '2wsx', '3edc', '4rfv', '5tgb', '6yhn', '7ujm', '8ik', '9ol', '0p']
const neighbours = new Set(
  [...rows, ...columns].flatMap(pairsOf).flatMap(([a, b]) => [`${a}${b}`, `${b}${a}`]),
)
const likeness: Readonly<Record<string, string>> = {
  '0': 'o',
  '1': 'i',
  '3': 'e',
  '4': 'a',
  '5': 's',
  '7': 't',
  '@': 'a',
  $: 's',
  '!': 'i',
}

/** What is wrong with a new password of this subject; empty when it will do. */
export function newPasswordFaults(password: string, owner: Pick<Subject, 'email' | 'ref'>): Fault[] {
  const faults = passwordFaults(password)
  if (faults.length > 0) return faults
  const refuse = (message: string): Fault[] => [{ path: 'password', message }]
  if (isPattern(password))
    return refuse('must be more than a repetition, a sequence or a walk on the keyboard')
  if (isCommon(password)) return refuse('is one of those that are tried first')
  if (isOwnName(password, owner)) return refuse('must not be made of your own name or address')
  return []
}

/** NIST SP 800-63B, 3.1.1.2: repetitive and sequential characters. */
function isPattern(password: string): boolean {
  const text = password.toLowerCase()
  if (new Set(text).size < 5) return true
  const period = `${text}${text}`.indexOf(text, 1)
  if (period < text.length && period < leastRest) return true
  const pairs = pairsOf(text)
  const runs = 1 + pairs.filter(([a, b]) => !follows(a, b)).length
  // Three characters and more in each run, on average: "qwertyuiop12", "1qaz2wsx3edc".
  return runs * 3 <= pairs.length + 1
}

function follows(a: string, b: string): boolean {
  return Math.abs(a.codePointAt(0)! - b.codePointAt(0)!) <= 1 || neighbours.has(`${a}${b}`)
}

/** Common as it is, or a common one dressed up: "P@ssw0rd2024!!", "letmeinletmein". */
function isCommon(password: string): boolean {
  const text = password.toLowerCase()
  return [text, text.replace(/[^a-z]+$/, ''), text.replace(/^[^a-z]+|[^a-z]+$/g, '')].some((core) => {
    const plain = [...core].map((character) => likeness[character] ?? character).join('')
    return [core, plain].some((form) => commonPasswords.has(form) || commonPasswords.has(unitOf(form)))
  })
}

/** "abcabc" → "abc" */
function unitOf(text: string): string {
  return text.slice(0, `${text}${text}`.indexOf(text, 1))
}

function isOwnName(password: string, { email, ref }: Pick<Subject, 'email' | 'ref'>): boolean {
  const text = password.toLowerCase()
  const names = [email ?? '', ref].map((name) => name.toLowerCase())
  return [...names, ...names.map((name) => name.split('@')[0]!)]
    .filter((name) => name.length >= 4)
    .some((name) => text.includes(name) && text.replaceAll(name, '').length < leastRest)
}

function pairsOf(text: string): [string, string][] {
  const characters = [...text]
  return characters.slice(1).map((character, index) => [characters[index]!, character])
}
