import { type Mailer, SallyportError } from '@sallyport/core'
import type { Transporter } from 'nodemailer'

const seconds = 1_000

export interface SmtpOptions {
  host: string
  port: number
  /** `tls` from the first byte, `starttls` required before anything is said, or `none`. */
  secure: 'tls' | 'starttls' | 'none'
  user?: string
  password?: string
  /** `mfa@example.org`, or with a name: `Example <mfa@example.org>`. */
  from: string
  /** Certificates in PEM to trust instead of those that Node ships. */
  ca?: string
}

/** Hands letters to an SMTP server. Its errors name what failed and never hold credentials or what was said. */
export function createSmtpMailer(options: SmtpOptions): Mailer {
  const { host, port, from } = options
  checkOptions(options)
  let transport: Promise<Transporter> | null = null
  return {
    async send({ to, subject, text }, deadline) {
      transport ??= openTransport(options)
      const carrier = await transport
      try {
        await carrier.sendMail({
          from,
          // An object is one address, whatever it looks like; a string would be read as a list.
          to: { name: '', address: to },
          subject,
          text,
          xMailer: false,
          // RFC 3834: no out-of-office answers to this
          headers: { 'Auto-Submitted': 'auto-generated' },
          signal: deadline,
        })
      } catch (error) {
        throw describe(error, `${host}:${port}`)
      }
    },
  }
}

/** The library is loaded for the first letter, not for every start. */
async function openTransport(options: SmtpOptions): Promise<Transporter> {
  const { host, port, secure, user, password, ca } = options
  const { createTransport } = await import('nodemailer')
  return createTransport({
    host,
    port,
    secure: secure === 'tls',
    requireTLS: secure === 'starttls',
    ignoreTLS: secure === 'none',
    // said outright, so that no environment variable turns the verification off
    tls: { rejectUnauthorized: true, minVersion: 'TLSv1.2', ...(ca === undefined ? {} : { ca }) },
    ...(user === undefined ? {} : { auth: { user, pass: password ?? '' } }),
    connectionTimeout: 10 * seconds,
    greetingTimeout: 10 * seconds,
    dnsTimeout: 10 * seconds,
    socketTimeout: 20 * seconds,
    disableFileAccess: true,
    disableUrlAccess: true,
  })
}

function checkOptions({ host, secure, user, from }: SmtpOptions): void {
  const refuse = (reason: string) => {
    throw new SallyportError('config_invalid', `mail: ${reason}`)
  }
  if (/\p{C}/u.test(from) || !from.includes('@')) refuse('"from" must be one address, with or without a name')
  const local = host === 'localhost' || host === '::1' || host.startsWith('127.')
  if (secure === 'none' && user !== undefined && !local) {
    refuse('a password is not sent without TLS; use "starttls" or "tls"')
  }
}

/** What a server answers may quote what it was told: of its words only the numbers are kept. */
function describe(error: unknown, server: string): SallyportError {
  const { code, command, responseCode, message } = error as Partial<{
    code: string
    command: string
    responseCode: number
    message: string
  }>
  // Anything permanent about this recipient or message. About the sender or the sign-in, it can be mended.
  const permanent = responseCode !== undefined && responseCode >= 500
  if (permanent && (command === 'RCPT TO' || command === 'DATA')) {
    return new SallyportError('mail_refused', `the mail server ${server} refused it with ${responseCode}`)
  }
  const own = responseCode === undefined && ['ETLS', 'ESOCKET', 'EDNS', 'ECONNECTION'].includes(code ?? '')
  const reason = responseCode ?? (own ? `${code}: ${message}` : (code ?? 'an unknown failure'))
  return new SallyportError('mail_unavailable', `the mail server ${server} could not take it: ${reason}`)
}
