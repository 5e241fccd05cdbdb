import { once } from 'node:events'
import { type ParsedMail, simpleParser } from 'mailparser'
import { SMTPServer, type SMTPServerOptions } from 'smtp-server'
import type { Certificate } from './certificate.ts'

export interface MailServer {
  port: number
  /** What arrived, in order. */
  mails: ParsedMail[]
  /** The bodies as they were, for searching. */
  raw: string[]
  close(): Promise<void>
}

export interface MailServerOptions {
  secure?: 'tls' | 'starttls' | 'none'
  certificate?: Certificate
  /** Who may send; anyone, when left out. */
  login?: { user: string; password: string }
  port?: number
  /** More of smtp-server's own, to misbehave with. */
  more?: SMTPServerOptions
}

/** A real SMTP server on the loopback. */
export async function startMailServer(options: MailServerOptions = {}): Promise<MailServer> {
  const { secure = 'none', certificate, login, more } = options
  const mails: ParsedMail[] = []
  const raw: string[] = []
  const server = new SMTPServer({
    secure: secure === 'tls',
    authOptional: login === undefined,
    disabledCommands: [...(secure === 'none' ? ['STARTTLS'] : []), ...(login ? [] : ['AUTH'])],
    allowInsecureAuth: secure === 'none',
    disableReverseLookup: true,
    closeTimeout: 100,
    ...certificate,
    onAuth: ({ username, password }, _session, done) =>
      username === login?.user && password === login?.password
        ? done(null, { user: username })
        : done(Object.assign(new Error(`no such user ${username}:${password}`), { responseCode: 535 })),
    async onData(stream, _session, done) {
      try {
        const chunks: Buffer[] = []
        for await (const chunk of stream) chunks.push(chunk as Buffer)
        const text = Buffer.concat(chunks)
        raw.push(text.toString())
        mails.push(await simpleParser(text))
        done()
      } catch (error) {
        // A client that was killed amid its message.
        done(error as Error)
      }
    },
    ...more,
  })
  // Clients that break off are what some of the tests are about.
  server.on('error', () => undefined)
  server.listen(options.port ?? 0, '127.0.0.1')
  await once(server.server, 'listening')
  return {
    port: (server.server.address() as { port: number }).port,
    mails,
    raw,
    close: () => new Promise((resolve) => server.close(resolve)),
  }
}
