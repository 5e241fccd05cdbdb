import { hostname } from 'node:os'
import { createSecureContext } from 'node:tls'
import { createHttpsBatches, createJsonFile, createTlsSyslog } from '@sallyport/adapters'
import {
  SallyportError,
  type SiemEvent,
  type SiemFormatName,
  type SiemTransport,
  siemFormats,
} from '@sallyport/core'
import type { Config } from './config.ts'
import { readSecretFile, readTextFile } from './secret-file.ts'
import { version } from './version.ts'

type SiemConfig = NonNullable<Config['siem']>

export interface Siem {
  /** `tls siem.example.org:6514 (rfc5424)` */
  described: string
  transport: SiemTransport
  format(event: SiemEvent): string
}

/** The first is what holds when none is named. */
const formatsOf: Readonly<Record<SiemConfig['transport'], readonly SiemFormatName[]>> = {
  tls: ['rfc5424', 'cef'],
  https: ['ocsf', 'json'],
  file: ['json', 'ocsf'],
}

/** Where evidence is to be sent, and how; `null` when nowhere. */
export function siemOf({ siem }: Pick<Config, 'siem'>): Siem | null {
  if (siem === undefined) return null
  const { transport: kind, address, format = formatsOf[kind][0]! } = siem
  if (!formatsOf[kind].includes(format)) {
    throw refused('format', `with transport ${kind} it is ${formatsOf[kind].join(' or ')}`)
  }
  if (siem.token_file !== undefined && kind !== 'https') {
    throw refused('token_file', 'a token is sent with transport https only')
  }
  const source = { host: hostname(), version }
  return {
    described: `${kind} ${address} (${format})`,
    transport: transportOf(siem),
    format: (event) => siemFormats[format](event, source),
  }
}

function transportOf(siem: SiemConfig): SiemTransport {
  const { transport, address, token_file: tokenFile } = siem
  if (transport === 'file') return createJsonFile({ path: address })
  const tls = readTls(siem.tls)
  if (transport === 'tls') return createTlsSyslog({ ...readAddress(address), tls })
  const token = tokenFile === undefined ? {} : { token: readSecretFile('siem.token_file', tokenFile) }
  return createHttpsBatches({ url: readUrl(address), tls, ...token })
}

function readTls({ ca_file: ca, cert_file: cert, key_file: key }: SiemConfig['tls']) {
  if ((cert === undefined) !== (key === undefined)) {
    throw refused('tls', 'name both cert_file and key_file, or neither')
  }
  const files = {
    ...(ca !== undefined && { ca: readTextFile('siem.tls.ca_file', ca) }),
    ...(cert !== undefined && { cert: readTextFile('siem.tls.cert_file', cert) }),
    ...(key !== undefined && { key: readTextFile('siem.tls.key_file', key) }),
  }
  try {
    createSecureContext(files)
  } catch (error) {
    throw refused('tls', `the files hold no certificates and key that fit (${(error as Error).message})`)
  }
  return files
}

function readAddress(address: string): { host: string; port: number } {
  const [, bracketed, plain, digits] = /^(?:\[([0-9a-fA-F:.]+)\]|([^:/@\s]+)):(\d{1,5})$/.exec(address) ?? []
  const host = bracketed ?? plain
  const port = Number(digits)
  if (host === undefined || port < 1 || port > 65_535) {
    throw refused('address', 'with transport tls it is host:port, such as siem.example.org:6514')
  }
  return { host, port }
}

function readUrl(address: string): string {
  const url = URL.parse(address)
  if (url?.protocol !== 'https:' || url.username !== '' || url.password !== '') {
    throw refused('address', 'with transport https it is an https:// URL without a user or password in it')
  }
  return url.href
}

function refused(key: string, message: string): SallyportError {
  const fault = { path: `siem.${key}`, message }
  return new SallyportError('config_invalid', `${fault.path}: ${message}`, { faults: [fault] })
}
