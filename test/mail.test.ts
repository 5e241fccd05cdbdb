import { once } from 'node:events'
import { readdir, readFile } from 'node:fs/promises'
import { createServer, type Socket } from 'node:net'
import { dirname, join } from 'node:path'
import { createConsoleMailer, createSmtpMailer, type SmtpOptions } from '@sallyport/adapters'
import {
  createEmailCodes,
  createEmailFactor,
  createOutbox,
  type Mailer,
  type Outbox,
  type Store,
  type Subject,
  systemRandom,
} from '@sallyport/core'
import { afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { type Certificate, makeCertificate } from './support/certificate.ts'
import { openSqlite, type Place } from './support/databases.ts'
import { epoch, type Harness, openHarness } from './support/harness.ts'
import { type MailServerOptions, startMailServer } from './support/mail-server.ts'

const second = 1_000
const minute = 60 * second
const login = { user: 'sallyport', password: 'cAnArY-password' }
const from = 'Acme Sign-in <mfa@example.org>'

let place: Place
let node: Harness
let anna: Subject
let logged: string[]
let toClose: (() => unknown)[]
let certificate: Certificate

const log = { warn: (...entry: unknown[]) => void logged.push(JSON.stringify(entry)) }

beforeAll(() => {
  certificate = makeCertificate(['localhost', '127.0.0.1'])
})

beforeEach(async () => {
  place = await openSqlite()
  node = await openHarness({ location: place.location, factors: [createEmailFactor()] })
  anna = await node.addSubject({ email: 'anna@example.org', emailVerified: true })
  logged = []
  toClose = []
})

afterEach(async () => {
  for (const close of toClose) await close()
  await node.close()
  await place.remove()
})

async function mailServer(options: MailServerOptions = {}) {
  const server = await startMailServer(options)
  toClose.push(() => server.close())
  return server
}

const mailerTo = (port: number, more: Partial<SmtpOptions> = {}) =>
  createSmtpMailer({ host: 'localhost', port, secure: 'none', from, ...more })

function outboxWith(mailer: Mailer, more: { store?: Store; patience?: number } = {}): Outbox {
  const { store, vault, clock } = node
  return createOutbox({ store, vault, clock, random: systemRandom, mailer, issuer: 'Acme', log, ...more })
}

const notify = (outbox: Outbox, facts = { factor: 'totp', name: 'Phone' }) =>
  node.store.transaction((tx) => outbox.notify(tx, { subject: anna, kind: 'factor_added', facts }))
const waiting = () => node.store.read((tx) => tx.outbox.count())
const afterBackoff = (wait = 5 * second) => {
  node.clock.at += wait
}
const soon = () => AbortSignal.timeout(5 * second)
const message = { to: 'anna@example.org', subject: 'Hello', text: 'Hello,\n\nwörld\n' }

/** A server that is none: `talk` does with the connection as it likes. */
async function rawServer(talk: (socket: Socket) => void) {
  const sockets = new Set<Socket>()
  const server = createServer((socket) => {
    sockets.add(socket)
    socket.on('error', () => undefined)
    talk(socket)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  toClose.push(() => {
    for (const socket of sockets) socket.destroy()
    server.close()
  })
  return (server.address() as { port: number }).port
}

describe('the SMTP mailer', () => {
  it.each([
    { secure: 'none' as const, encrypted: false },
    { secure: 'starttls' as const, encrypted: true },
    { secure: 'tls' as const, encrypted: true },
  ])('sends by $secure, signed in', async ({ secure, encrypted }) => {
    const sessions: boolean[] = []
    const more: MailServerOptions['more'] = {
      onMailFrom: (_address, session, done) => {
        sessions.push(session.secure)
        done()
      },
    }
    const server = await mailServer({ secure, certificate, login, more })
    await mailerTo(server.port, { secure, ca: certificate.cert, ...login }).send(message, soon())
    expect(server.mails).toHaveLength(1)
    const [mail] = server.mails
    expect(mail).toMatchObject({ subject: 'Hello', html: false })
    expect(mail?.text?.trim()).toBe('Hello,\n\nwörld')
    expect(mail?.from?.text).toBe('"Acme Sign-in" <mfa@example.org>')
    expect(mail?.to).toMatchObject({ value: [{ address: 'anna@example.org' }] })
    expect(mail?.headers.get('auto-submitted')).toBe('auto-generated')
    expect(mail?.headers.has('x-mailer')).toBe(false)
    expect(sessions).toEqual([encrypted])
  })

  it('never falls back to an open line', async () => {
    const heard: string[] = []
    const port = await rawServer((socket) => {
      socket.write('220 mail ready\r\n')
      socket.on('data', (data) => {
        heard.push(data.toString())
        socket.write(
          data.toString().startsWith('EHLO') ? '250-mail\r\n250 AUTH PLAIN LOGIN\r\n' : '500 what?\r\n',
        )
      })
    })
    const sending = mailerTo(port, { secure: 'starttls', ...login }).send(message, soon())
    await expect(sending).rejects.toMatchObject({ code: 'mail_unavailable' })
    expect(heard.join('')).not.toMatch(/AUTH|MAIL FROM/)
  })

  it('trusts no server that it has no reason to trust', async () => {
    const stranger = makeCertificate(['localhost'])
    const elsewhere = makeCertificate(['mail.example.org'])
    for (const secure of ['tls', 'starttls'] as const) {
      const server = await mailServer({ secure, certificate: stranger, login })
      for (const ca of [undefined, certificate.cert]) {
        const sending = mailerTo(server.port, { secure, ...login, ...(ca && { ca }) }).send(message, soon())
        await expect(sending).rejects.toMatchObject({ code: 'mail_unavailable' })
      }
      const misnamed = await mailServer({ secure, certificate: elsewhere, login })
      const sending = mailerTo(misnamed.port, { secure, ca: elsewhere.cert, ...login }).send(message, soon())
      await expect(sending).rejects.toMatchObject({ code: 'mail_unavailable' })
      expect([...server.mails, ...misnamed.mails]).toEqual([])
    }
  })

  it('says nothing of what it signs in with, even when the server does', async () => {
    const server = await mailServer({ secure: 'tls', certificate, login })
    const wrong = { user: 'sallyport', password: 'cAnArY-wrong' }
    const error = await mailerTo(server.port, { secure: 'tls', ca: certificate.cert, ...wrong })
      .send(message, soon())
      .catch((thrown: unknown) => thrown)
    expect(error).toMatchObject({ code: 'mail_unavailable' })
    expect((error as Error).message).toContain('535')
    expect(`${(error as Error).stack}${JSON.stringify(error)}`).not.toContain('cAnArY')
    expect((error as Error).cause).toBeUndefined()
  })

  it('tells what is refused for good from what may be tried again', async () => {
    const answering =
      (responseCode: number): NonNullable<MailServerOptions['more']>['onRcptTo'] =>
      (_address, _session, done) =>
        done(Object.assign(new Error('no'), { responseCode }))
    const codes = []
    for (const responseCode of [550, 553, 450, 421]) {
      const server = await mailServer({ more: { onRcptTo: answering(responseCode)! } })
      const sending = mailerTo(server.port).send(message, soon())
      codes.push(await sending.catch(({ code }) => code))
    }
    const spam = await mailServer({
      more: {
        onData: (stream, _session, done) => {
          stream.resume()
          stream.on('end', () => done(Object.assign(new Error('spam'), { responseCode: 554 })))
        },
      },
    })
    codes.push(
      await mailerTo(spam.port)
        .send(message, soon())
        .catch(({ code }) => code),
    )
    const [refused, later] = ['mail_refused', 'mail_unavailable']
    expect(codes).toEqual([refused, refused, later, later, refused])
  })

  it('gives up at the deadline, on a server that hangs or dawdles', async () => {
    const silent = await rawServer(() => undefined)
    const slow = await rawServer((socket) => {
      const timer = setInterval(() => socket.write('2'), 20)
      socket.on('close', () => clearInterval(timer))
    })
    for (const port of [silent, slow]) {
      const began = performance.now()
      const sending = mailerTo(port).send(message, AbortSignal.timeout(200))
      await expect(sending).rejects.toMatchObject({ code: 'mail_unavailable' })
      expect(performance.now() - began).toBeLessThan(3 * second)
    }
  })

  it('takes an address for one address', async () => {
    const recipients: string[] = []
    const server = await mailServer({
      more: {
        onRcptTo: ({ address }, _session, done) => {
          recipients.push(address)
          done()
        },
      },
    })
    const list = { ...message, to: 'anna@example.org, eve@example.org' }
    await mailerTo(server.port)
      .send(list, soon())
      .catch(() => undefined)
    expect(recipients).not.toContain('eve@example.org')
    expect(recipients).not.toContain('anna@example.org')
  })

  it('refuses options that could not be safe', () => {
    const wrong: Partial<SmtpOptions>[] = [
      { host: 'mail.example.org', secure: 'none', ...login },
      { from: 'nobody' },
      { from: 'mfa@example.org\r\nBcc: eve@example.org' },
    ]
    for (const more of wrong) {
      expect(() => mailerTo(25, more)).toThrow(expect.objectContaining({ code: 'config_invalid' }))
    }
  })
})

describe('the console mailer', () => {
  it('prints the letter, and that nothing was sent', async () => {
    const printed: string[] = []
    await createConsoleMailer({ print: (text) => void printed.push(text) }).send(message, soon())
    expect(printed.join('\n')).toMatch(/DEVELOPMENT MODE.*NOT SENT/)
    expect(printed.join('\n')).toContain('To: anna@example.org\nSubject: Hello\n\nHello,\n\nwörld')
  })
})

describe('the outbox', () => {
  it('sends what was committed, once', async () => {
    const server = await mailServer()
    const outbox = outboxWith(mailerTo(server.port))
    expect(await notify(outbox)).toBe(true)
    expect(await outbox.deliver()).toEqual({ sent: 1, postponed: 0, dropped: 0 })
    expect(await outbox.deliver()).toEqual({ sent: 0, postponed: 0, dropped: 0 })
    expect(server.mails[0]?.subject).toBe('A factor was added to your Acme account')
    expect(server.mails[0]?.text).toContain('An authenticator app named "Phone" was added')
    expect(await waiting()).toBe(0)
  })

  it('sends nothing of a change that was undone', async () => {
    const sent: unknown[] = []
    const outbox = outboxWith({ send: async (letter) => void sent.push(letter) })
    const undone = node.store.transaction(async (tx) => {
      await outbox.notify(tx, { subject: anna, kind: 'password_changed', facts: {} })
      throw new Error('undone')
    })
    await expect(undone).rejects.toThrow('undone')
    await outbox.kick()
    expect(sent).toEqual([])
  })

  it('writes to verified addresses only, and to one at a time', async () => {
    const outbox = outboxWith({ send: async () => undefined })
    const others: Partial<Subject>[] = [
      { email: null },
      { emailVerifiedAt: null },
      { email: 'a@b, eve@example.org' },
    ]
    for (const change of others) {
      const subject = { ...anna, ...change }
      const told = node.store.transaction((tx) =>
        outbox.notify(tx, { subject, kind: 'new_place', facts: {} }),
      )
      expect(await told).toBe(false)
    }
    const injected = node.store.transaction((tx) =>
      outbox.enqueue(tx, { to: 'a@b\r\nBcc: eve@c', kind: 'invitation', facts: {} }, { subjectId: null }),
    )
    await expect(injected).rejects.toMatchObject({ code: 'invalid_input' })
    expect(await waiting()).toBe(0)
  })

  it("signs with the application's own name", async () => {
    const application = { name: 'pbx', issuer: 'Example PBX', rpId: null, origins: [], createdAt: epoch }
    await node.store.transaction((tx) => tx.applications.insert(application))
    const sent: { subject: string }[] = []
    const outbox = outboxWith({ send: async (letter) => void sent.push(letter) })
    anna = await node.addSubject({ application: 'pbx', email: 'anna@example.org', emailVerified: true })
    await notify(outbox)
    await outbox.kick()
    expect(sent[0]?.subject).toBe('A factor was added to your Example PBX account')
  })

  it('tries again later, with growing waits, until the server is back', async () => {
    const gone = await startMailServer()
    await gone.close()
    const outbox = outboxWith(mailerTo(gone.port))
    await notify(outbox)
    for (const wait of [5 * second, 30 * second, 2 * minute, 10 * minute, 60 * minute, 60 * minute]) {
      expect((await outbox.deliver()).postponed).toBe(1)
      node.clock.at += wait - 1
      expect(await outbox.deliver()).toEqual({ sent: 0, postponed: 0, dropped: 0 })
      node.clock.at += 1
    }
    const back = await mailServer({ port: gone.port })
    expect((await outbox.deliver()).sent).toBe(1)
    expect(back.mails).toHaveLength(1)
    expect(logged.length).toBe(6)
  })

  it('tries again after a 4xx', async () => {
    let busy = true
    const server = await mailServer({
      more: {
        onRcptTo: (_address, _session, done) =>
          busy ? done(Object.assign(new Error('greylisted'), { responseCode: 451 })) : done(),
      },
    })
    const outbox = outboxWith(mailerTo(server.port))
    await notify(outbox)
    expect((await outbox.deliver()).postponed).toBe(1)
    busy = false
    afterBackoff()
    expect((await outbox.deliver()).sent).toBe(1)
    expect(server.mails).toHaveLength(1)
  })

  it('tries again after a connection that broke in the middle', async () => {
    let breaks = true
    const server = await mailServer()
    const port = await rawServer((socket) => {
      socket.write('220 mail ready\r\n')
      socket.on('data', (data) => {
        if (data.toString().startsWith('DATA')) socket.destroy()
        else socket.write('250 yes\r\n')
      })
    })
    const mailers = { broken: mailerTo(port), whole: mailerTo(server.port) }
    const outbox = outboxWith({ send: (...args) => (breaks ? mailers.broken : mailers.whole).send(...args) })
    await notify(outbox)
    expect((await outbox.deliver()).postponed).toBe(1)
    breaks = false
    afterBackoff()
    expect((await outbox.deliver()).sent).toBe(1)
    expect(server.mails).toHaveLength(1)
  })

  it('drops what is refused for good, and records it', async () => {
    const server = await mailServer({
      more: {
        onRcptTo: (_address, _session, done) =>
          done(Object.assign(new Error('nobody'), { responseCode: 550 })),
      },
    })
    const outbox = outboxWith(mailerTo(server.port))
    await notify(outbox)
    expect((await outbox.deliver()).dropped).toBe(1)
    expect(await waiting()).toBe(0)
    const [dropped] = await node.ledgerOf(anna)
    expect(dropped).toMatchObject({ type: 'mail.dropped', data: { reason: 'refused', failures: 0 } })
  })

  it('drops what came too late, unsent, and records it', async () => {
    const sent: unknown[] = []
    const outbox = outboxWith({ send: async (letter) => void sent.push(letter) })
    await node.store.transaction((tx) =>
      outbox.enqueue(
        tx,
        { to: anna.email!, kind: 'code', facts: { code: '123456' } },
        { subjectId: anna.id, expiresIn: minute },
      ),
    )
    node.clock.at += minute
    expect((await outbox.deliver()).dropped).toBe(1)
    expect(sent).toEqual([])
    const entries = await node.ledgerOf(anna)
    expect(entries).toMatchObject([{ type: 'mail.dropped', data: { reason: 'expired' } }])
  })

  it('is not held up for long by a mailer that hangs', async () => {
    let hanging = true
    const sent: unknown[] = []
    const mailer: Mailer = {
      send: async (letter) => (hanging ? new Promise<never>(() => undefined) : void sent.push(letter)),
    }
    const outbox = outboxWith(mailer, { patience: 50 })
    await notify(outbox)
    expect((await outbox.deliver()).postponed).toBe(1)
    hanging = false
    afterBackoff()
    expect((await outbox.deliver()).sent).toBe(1)
    expect(sent).toHaveLength(1)
  })

  it('is emptied by two nodes at once, each letter once', async () => {
    const server = await mailServer()
    const other = await openHarness({ location: place.location })
    toClose.push(() => other.close())
    const mailer = mailerTo(server.port)
    const one = outboxWith(mailer)
    const two = outboxWith(mailer, { store: other.store })
    for (let letter = 0; letter < 20; letter++) await notify(one, { factor: 'totp', name: `no ${letter}.` })
    await Promise.all([one.kick(), two.kick(), one.kick()])
    const names = server.mails.map(({ text }) => /no \d+\./.exec(text!)![0])
    expect(new Set(names).size).toBe(20)
    expect(names).toHaveLength(20)
    expect(await waiting()).toBe(0)
  })

  it('sends what a node had claimed when it died', async () => {
    const never: Mailer = { send: () => new Promise<never>(() => undefined) }
    const dead = outboxWith(never, { patience: minute })
    await notify(dead)
    void dead.deliver()
    await new Promise((resolve) => setTimeout(resolve, 50))
    const sent: unknown[] = []
    const outbox = outboxWith({ send: async (letter) => void sent.push(letter) })
    await outbox.kick()
    expect(sent).toEqual([])
    node.clock.at += 3 * minute
    await outbox.kick()
    expect(sent).toHaveLength(1)
  })

  it('sends again what it could not strike off: at least once', async () => {
    const sent: unknown[] = []
    let broken = false
    const failing: Store = {
      ...node.store,
      transaction: (work) => (broken ? Promise.reject(new Error('disk')) : node.store.transaction(work)),
    }
    const mailer: Mailer = {
      async send(letter) {
        sent.push(letter)
        broken = sent.length === 1
      },
    }
    const outbox = outboxWith(mailer, { store: failing })
    await notify(outbox)
    await expect(outbox.deliver()).rejects.toThrow('disk')
    broken = false
    node.clock.at += 3 * minute
    expect((await outbox.deliver()).sent).toBe(1)
    expect(sent).toHaveLength(2)
  })

  it('goes out at a kick, with what was added while it ran, and never rejects', async () => {
    const sent: string[] = []
    const outbox = outboxWith({
      async send({ to }) {
        sent.push(to)
        if (sent.length > 1) return
        await notify(outbox)
        void outbox.kick()
      },
    })
    await notify(outbox)
    await outbox.kick()
    expect(sent).toHaveLength(2)

    const failing: Store = { ...node.store, transaction: () => Promise.reject(new Error('gone')) }
    await outboxWith({ send: async () => undefined }, { store: failing }).kick()
    expect(logged.at(-1)).toContain('the outbox could not be emptied')
  })

  it('neither sends a letter that was altered nor stops at it', async () => {
    const sent: unknown[] = []
    const outbox = outboxWith({ send: async (letter) => void sent.push(letter) })
    const sealed = node.vault.seal({ subject: anna.id, purpose: 'letter', plaintext: Buffer.from('{}') })
    const row = { id: 'altered', subjectId: anna.id, sealed, createdAt: 0, dueAt: 0, failures: 0 }
    await node.store.transaction((tx) => tx.outbox.insert({ ...row, expiresAt: epoch + minute }))
    await notify(outbox)
    expect(await outbox.deliver()).toEqual({ sent: 1, postponed: 1, dropped: 0 })
    node.clock.at += minute
    expect((await outbox.deliver()).dropped).toBe(1)
  })
})

it('leaves a code nowhere but in the mail', async () => {
  let refusing = true
  const server = await mailServer({
    more: {
      onMailFrom: (_address, _session, done) =>
        refusing ? done(Object.assign(new Error('later'), { responseCode: 451 })) : done(),
    },
  })
  const outbox = outboxWith(mailerTo(server.port))
  const { store, vault, clock } = node
  const codes = createEmailCodes({ store, vault, clock, random: systemRandom, outbox })
  await node.addPhone(anna)
  expect(await codes.send({ subject: anna, purpose: 'sign-in' })).toEqual({ status: 'sent' })
  await outbox.kick()
  const stored = async () => {
    const directory = dirname(place.location)
    const files = await readdir(directory)
    const contents = await Promise.all(files.map((file) => readFile(join(directory, file), 'latin1')))
    const ledger = await store.read((tx) => tx.ledger.entries(0, 1_000))
    return `${contents.join('\n')}${ledger.map(({ body }) => body).join('\n')}${logged.join('\n')}`
  }
  const whileWaiting = await stored()
  refusing = false
  afterBackoff()
  await outbox.kick()
  const code = /^ {4}(\d{6})$/m.exec(server.mails[0]!.text!)![1]!
  const policy = {
    mode: 'fixed',
    requiredSteps: 1,
    factors: [{ id: 'a', label: 'a', any_of: ['email', 'totp'] }],
  }
  expect((await node.verifyOnce(anna, code, policy)).status).toBe('complete')
  // Six digits stand by chance inside a longer number now and then; a code would stand alone.
  const alone = new RegExp(`(?<![0-9])${code}(?![0-9])`)
  expect(whileWaiting).toContain('anna@example.org')
  expect(whileWaiting).not.toMatch(alone)
  expect(await stored()).not.toMatch(alone)
  expect(logged.length).toBeGreaterThan(0)
})
