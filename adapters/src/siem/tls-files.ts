import type { SecureContextOptions } from 'node:tls'
import { SallyportError } from '@sallyport/core'

/** Of a connection to a SIEM, in PEM. */
export interface SiemTls {
  /** Who may sign the receiver's certificate, instead of the authorities that Node ships. */
  ca?: string
  cert?: string
  key?: string
}

/** Said outright, so that no environment variable turns the verification off or an older TLS on. */
export function strictTls({ ca, cert, key }: SiemTls): SecureContextOptions & { rejectUnauthorized: true } {
  return {
    rejectUnauthorized: true,
    minVersion: 'TLSv1.2',
    ...(ca !== undefined && { ca }),
    ...(cert !== undefined && { cert }),
    ...(key !== undefined && { key }),
  }
}

const certificate =
  "mend the receiver's certificate, or name in siem.tls.ca_file the authority that signed it"
const network =
  'see that siem.address is right, that the receiver runs, and that the network lets this machine there'
const ours = 'the receiver wants another client certificate: see siem.tls.cert_file and .key_file'

/** By what a code begins with; the first that fits. */
const reasons: readonly [RegExp, string, string][] = [
  [/^ECONNREFUSED/, 'nobody listens there', network],
  [/^(ENOTFOUND|EAI_AGAIN)/, 'the name is not known', network],
  [/^(ETIMEDOUT|EHOSTUNREACH|ENETUNREACH)/, 'it cannot be reached', network],
  [/^CERT_HAS_EXPIRED/, "the receiver's certificate has expired", certificate],
  [/^ERR_TLS_CERT_ALTNAME/, "the receiver's certificate is for another name", certificate],
  [
    /^(DEPTH_ZERO|SELF_SIGNED|UNABLE_TO|CERT_)/,
    "the receiver's certificate is not to be trusted",
    certificate,
  ],
  [
    /^ERR_SSL_(UNSUPPORTED_PROTOCOL|WRONG_VERSION|TLSV1_ALERT_PROTOCOL|PACKET_LENGTH)|^EPROTO/,
    'it does not speak TLS 1.2 or newer',
    'let the receiver speak TLS 1.2 or 1.3 on this port; older ones are not used',
  ],
  [/^ERR_SSL_.*(CERT|UNKNOWN_CA|HANDSHAKE_FAILURE|ACCESS_DENIED)/, 'it refuses our certificate', ours],
  [/^ERR_OSSL/, 'our own certificate or key cannot be read', 'see siem.tls: each file holds PEM'],
  [/^(ECONNRESET|EPIPE)/, 'it broke the connection off', `${ours}, and the receiver's own log`],
]

/** A failure as a sentence for whoever has to mend it. */
export function unavailable(address: string, error: unknown): SallyportError {
  if (error instanceof SallyportError) return error
  const { code = '', message, name } = error as NodeJS.ErrnoException
  if (name === 'TimeoutError' || name === 'AbortError') {
    return siemError(address, 'it has not confirmed in time', network, error)
  }
  const known = reasons.find(([pattern]) => pattern.test(code))
  if (known === undefined) return siemError(address, code || message, network, error)
  return siemError(address, `${known[1]} (${code})`, known[2], error)
}

export function siemError(address: string, reason: string, mend: string, cause?: unknown): SallyportError {
  return new SallyportError('siem_unavailable', `the SIEM at ${address}: ${reason}; ${mend}`, { cause })
}
