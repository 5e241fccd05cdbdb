/** Milliseconds since the epoch, of this century: no other number in the ledger is as large. */
const isMoment = (value: unknown): value is number =>
  typeof value === 'number' && Number.isInteger(value) && value > 1e12 && value < 4.2e12

/** What an entry holds, for people: moments as dates, and lists without brackets. */
export function inWords(value: unknown, moment: (at: Date) => string): string {
  if (isMoment(value)) return moment(new Date(value))
  if (value === null || (Array.isArray(value) && value.length === 0)) return '–'
  if (Array.isArray(value)) return value.map((one) => inWords(one, moment)).join(', ')
  if (typeof value !== 'object') return String(value)
  return Object.entries(value)
    .map(([name, one]) => `${name}: ${inWords(one, moment)}`)
    .join('; ')
}
