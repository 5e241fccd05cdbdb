import type { Letter } from './letter.ts'

/** A message as it goes out: plain text, one recipient. */
export interface Message {
  to: string
  subject: string
  text: string
}

const longestFact = 100
const longestAddress = 254

/**
 * One plain address and nothing else: no list, no display name, no line break that would begin a header,
 * no quoting (RFC 5321 allows quoted local parts; nobody has one).
 */
export function isMailAddress(text: string): boolean {
  const part = String.raw`[^\s\p{C}<>()\[\],;:"\\@]+`
  return text.length <= longestAddress && new RegExp(`^${part}@${part}$`, 'u').test(text)
}

/**
 * The words for a letter. `facts.issuer` names the product or application; the others are, where the kind
 * has use for them: `code`, `link`, `until`, `factor` (its type), `name` (its name),
 * `address`, `device`. `at` is when it happened.
 */
export function composeMessage({ to, kind, facts }: Letter, at: number): Message {
  const said = (name: string) => clean(facts[name] ?? '')
  const issuer = said('issuer') || 'Sallyport'
  const { subject, body } = texts[kind]({ issuer, said, link: solid(facts.link), code: solid(facts.code) })
  const paragraphs = ['Hello,', ...body, `${issuer}\n${utc(at)}`]
  return { to, subject: clean(subject), text: `${paragraphs.filter(Boolean).join('\n\n')}\n` }
}

/** `2026-11-09 12:00 UTC` */
export function utc(at: number): string {
  return `${new Date(at).toISOString().slice(0, 16).replace('T', ' ')} UTC`
}

interface Words {
  issuer: string
  said: (name: string) => string
  link: string
  code: string
}

type Text = (words: Words) => { subject: string; body: string[] }

const notYou = 'If this was you, there is nothing to do.'
const secureAccount =
  'If it was not, someone else may have got into your account: sign in, change your password, look at ' +
  'your factors and sessions, and tell your administrator.'

const texts: Record<Letter['kind'], Text> = {
  code: ({ issuer, said, code }) => ({
    subject: `Your code for ${issuer}`,
    body: [
      `Your code for ${issuer} is:`,
      `    ${code}`,
      `It works once${by(said('until'))}. Type it only where you asked for it; nobody from ${issuer} will ever ask you for it.`,
      'If you did not ask for a code, someone else may know your password: do not pass the code on, and change your password.',
    ],
  }),
  password_reset: ({ issuer, said, link }) => ({
    subject: `Reset your password for ${issuer}`,
    body: [
      `To choose a new password for ${issuer}, open this link:`,
      `    ${link}`,
      `It works once${by(said('until'))}. You will still need your second factor to sign in.`,
      'If you did not ask for this, you need do nothing: your password stays as it is.',
    ],
  }),
  invitation: ({ issuer, said, link }) => ({
    subject: `Your invitation to ${issuer}`,
    body: [
      `An account was made for you at ${issuer}. To choose a password and begin, open this link:`,
      `    ${link}`,
      `It works once${by(said('until'))}.`,
      'If you do not know what this is about, you need do nothing.',
    ],
  }),
  enrolment_link: ({ issuer, said, link }) => ({
    subject: `Set up your second factor for ${issuer}`,
    body: [
      `An administrator of ${issuer} sent you this link, to set up a new second factor:`,
      `    ${link}`,
      `It works once${by(said('until'))}. Do not pass it on: whoever opens it can set up a factor in your name.`,
      'If you did not ask for this, do not open it, and tell your administrator.',
    ],
  }),
  factor_added: ({ issuer, said }) => ({
    subject: `A factor was added to your ${issuer} account`,
    body: [`${described(said)} was added to your ${issuer} account.`, notYou, secureAccount],
  }),
  factor_removed: ({ issuer, said }) => ({
    subject: `A factor was removed from your ${issuer} account`,
    body: [`${described(said)} was removed from your ${issuer} account.`, notYou, secureAccount],
  }),
  factor_locked: ({ issuer, said }) => ({
    subject: `A factor of your ${issuer} account was locked`,
    body: [
      `${described(said)} of your ${issuer} account answered as only a copy of it would. It is locked: neither it nor a copy works any more.`,
      'Sign in with another factor, remove this one, and register a new one. With no other factor, ask your administrator.',
      secureAccount,
    ],
  }),
  backup_codes_regenerated: ({ issuer }) => ({
    subject: `New backup codes for ${issuer}`,
    body: [
      `New backup codes were made for your ${issuer} account; the old ones are void.`,
      notYou,
      secureAccount,
    ],
  }),
  wrong_factor: ({ issuer, said }) => ({
    subject: `A sign-in to ${issuer} was stopped`,
    body: [
      `Someone entered your password for ${issuer}${from(said)}, but not a right second factor.`,
      'If this was you, there is nothing to do: try again.',
      'If it was not, someone else knows your password: change it. Your second factor kept them out.',
    ],
  }),
  new_place: ({ issuer, said }) => ({
    subject: `A sign-in to ${issuer} from a new place`,
    body: [
      `Your ${issuer} account was signed in to from a place not seen before${from(said)}.`,
      notYou,
      secureAccount,
    ],
  }),
  device_trusted: ({ issuer, said }) => ({
    subject: `A browser is trusted with your ${issuer} account`,
    body: [
      `A browser that signed in to your ${issuer} account${from(said)} will not be asked for a second factor for some time. You can end that in your security settings.`,
      notYou,
      secureAccount,
    ],
  }),
  device_copied: ({ issuer, said }) => ({
    subject: `A trusted browser of your ${issuer} account was copied`,
    body: [
      `Someone signed in to ${issuer} with your password and with what a trusted browser of yours had kept before${from(said)}. That browser is trusted no longer: the second factor was asked for.`,
      'If you brought that browser back from a backup, there is nothing to do.',
      'If it was not you, someone else has read its files and knows your password: change it, and look at your sessions.',
    ],
  }),
  password_changed: ({ issuer, said }) => ({
    subject: `Your password for ${issuer} was changed`,
    body: [`The password of your ${issuer} account was changed${from(said)}.`, notYou, secureAccount],
  }),
}

const by = (until: string) => until && `, until ${until}`

/** Where from, as far as it is known: ` (192.0.2.7, Firefox)`. */
function from(said: Words['said']): string {
  const known = [said('address'), said('device')].filter(Boolean)
  return known.length > 0 ? ` (${known.join(', ')})` : ''
}

const factorNames = new Map([
  ['totp', 'An authenticator app'],
  ['email', 'Codes by e-mail'],
  ['backup', 'A set of backup codes'],
  ['yubikey', 'A YubiKey'],
  ['webauthn', 'A passkey or security key'],
])

function described(said: Words['said']): string {
  const kind = factorNames.get(said('factor')) ?? 'A factor'
  return said('name') ? `${kind} named "${said('name')}"` : kind
}

/** Names come from people: on one line, of bounded length, with nothing in them that steers a header or a terminal. */
function clean(text: string): string {
  const line = text.replace(/[\p{C}\s]+/gu, ' ').trim()
  return [...line].slice(0, longestFact).join('')
}

/** Links and codes: of any length, in one piece. */
function solid(text = ''): string {
  return text.replace(/[\p{C}\s]+/gu, '')
}
