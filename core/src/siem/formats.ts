import type { SiemEvent, SiemSeverity, SiemSource } from './event.ts'
import { ocsf } from './ocsf.ts'
import { type Cut, cutDetails, detailTexts, fit, jsonLine, keyText, shown } from './one-line.ts'

export type SiemFormatName = 'rfc5424' | 'cef' | 'ocsf' | 'json'

/** One event, one line, without the line feed. */
export type SiemFormat = (event: SiemEvent, source: SiemSource) => string

export const siemFormats: Readonly<Record<SiemFormatName, SiemFormat>> = {
  rfc5424: (event, source) =>
    fit((cut) => `${header(event, source)} ${structured(event, cut)} ${shown(cut(event.type))}`),
  // The header is that of RFC 5424, with no structured data of its own.
  cef: (event, source) => fit((cut) => `${header(event, source)} - ${cef({ event, source, cut })}`),
  ocsf: (event, source) => fit((cut) => jsonLine(ocsf({ event, source, cut }))),
  json: (event, source) =>
    fit((cut) => {
      const { id, at, type, severity, address, subject, details } = event
      const about = { id: cut(id), time: isoTime(at), type: cut(type), severity, host: cut(source.host) }
      const who = { address: address && cut(address), subject: subject && cut(subject) }
      return jsonLine({ ...about, ...who, details: cutDetails(details, cut) })
    }),
}

/** RFC 5424 §6.2.1: security and authorisation messages that are not for everybody to read. */
const authpriv = 10
const syslogSeverity: Readonly<Record<SiemSeverity, number>> = {
  info: 6,
  low: 5,
  medium: 4,
  high: 3,
  critical: 2,
}

function header({ at, type, severity }: SiemEvent, { host }: SiemSource): string {
  const priority = authpriv * 8 + syslogSeverity[severity]
  return `<${priority}>1 ${isoTime(at)} ${printable(host, 255)} sallyport - ${printable(type, 32)}`
}

/** RFC 5424 §6: header fields are printable ASCII without spaces, and never empty. */
function printable(text: string, limit: number): string {
  return text.replaceAll(/[^\x21-\x7e]/g, '_').slice(0, limit) || '-'
}

/** RFC 5612's number for examples stands for a name that needs no registration. */
function structured(event: SiemEvent, cut: Cut): string {
  const { id, severity, address, subject, details } = event
  const own = { id, severity, ...(address && { address }), ...(subject && { subject }) }
  const taken = new Set(Object.keys(own))
  // A name may stand once in an element (§6.3.3): ours first, a detail of that name in its own words.
  const fields = [
    ...Object.entries(own),
    ...detailTexts(details).map(([key, text]) => [taken.has(key) ? `detail_${key}` : key, text] as const),
  ]
  const params = fields.map(([key, text]) => ` ${keyText(key).slice(0, 32)}="${paramValue(cut(text))}"`)
  return `[sallyport@32473${params.join('')}]`
}

/** §6.3.3: these three, and no other character, are escaped. */
function paramValue(text: string): string {
  return shown(text).replaceAll(/["\\\]]/g, '\\$&')
}

const cefSeverity: Readonly<Record<SiemSeverity, number>> = {
  info: 1,
  low: 3,
  medium: 5,
  high: 8,
  critical: 10,
}

function cef({ event, source, cut }: { event: SiemEvent; source: SiemSource; cut: Cut }): string {
  const { id, at, type, severity, address, details } = event
  const name = cefHeader(cut(type))
  const extension = {
    rt: String(at),
    externalId: id,
    ...(address && { [sourceKey(address)]: address }),
    ...whoOf(event),
    ...Object.fromEntries(detailTexts(details).map(([key, text]) => [customKey(key), text])),
  }
  const fields = Object.entries(extension).map(([key, text]) => `${key}=${cefValue(cut(text))}`)
  const head = [
    'CEF:0',
    'Sallyport',
    'Sallyport',
    cefHeader(source.version),
    name,
    name,
    cefSeverity[severity],
  ]
  return `${head.join('|')}|${fields.join(' ')}`
}

/** Our own name for somebody means nothing elsewhere: where the organisation's is known, that is the user's. */
function whoOf({ subject, details: { technician } }: SiemEvent): Record<string, string> {
  if (typeof technician !== 'string') return subject ? { suser: subject } : {}
  return { suser: technician, ...(subject && { suid: subject }) }
}

/** `src` holds an IPv4 address and nothing else; what else there is has keys of its own. */
function sourceKey(address: string): string {
  if (/^\d+\.\d+\.\d+\.\d+$/.test(address)) return 'src'
  return /^[0-9a-f:]+(\.\d+){0,3}$/i.test(address) ? 'c6a2' : 'SallyportAddress'
}

/** Keys that CEF does not know bear the product's name. */
function customKey(key: string): string {
  const words = keyText(key).split(/[^A-Za-z0-9]+/)
  return `Sallyport${words.map((word) => word.charAt(0).toUpperCase() + word.slice(1)).join('')}`
}

function cefHeader(text: string): string {
  return shown(text).replaceAll(/[\\|]/g, '\\$&')
}

function cefValue(text: string): string {
  return shown(text).replaceAll(/[\\=]/g, '\\$&')
}

function isoTime(at: number): string {
  return new Date(at).toISOString()
}
