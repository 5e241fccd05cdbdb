import { expect } from 'vitest'
import { seededIntegers } from './installation.ts'
import { startMailServer } from './mail-server.ts'
import { type Answer, callerOf, makePhone, type Phone } from './people.ts'
import { startPostgres } from './postgres.ts'
import { makeInstallation, type Node } from './serve.ts'

export const password = 'correct horse battery staple'

/** For `describe.each`: the whole product, as one process and as several. */
export const worlds = [
  { world: 'one node on SQLite', count: 1, postgres: false },
  { world: 'three nodes on PostgreSQL', count: 3, postgres: true },
]

export interface User {
  id: string
  email: string
  role: string
}

export type Walk = Awaited<ReturnType<typeof openWalk>>

/** The running product with a mail server beside it; each request goes to any of its nodes, by a seed. */
export async function openWalk(options: { count: number; postgres: boolean; config?: object }) {
  const { count, config = {} } = options
  const database = options.postgres ? await startPostgres() : null
  const mail = await startMailServer()
  const base = {
    public_url: 'https://login.example.org',
    mail: { smtp: { host: '127.0.0.1', port: mail.port, secure: 'none' } },
  }
  const installation = makeInstallation({
    ...(database && { storeUrl: await database.url() }),
    config: { ...base, ...config },
  })
  let nodes: Node[] = await installation.start(count)
  const seed = Date.now() % 1_000_000
  const draw = seededIntegers(seed)
  const call = callerOf(() => nodes[draw(nodes.length)]!.url)
  let users = 0

  async function stop(): Promise<void> {
    const stopped = await Promise.all(nodes.map((node) => node.stop()))
    expect(stopped.map(({ code }) => code)).toEqual(nodes.map(() => 0))
    for (const { took } of stopped) expect(took).toBeLessThan(10_000)
  }

  async function addUser(name: string, role = 'user'): Promise<User> {
    const email = `${name}.${++users}@example.org`
    const words = ['user', 'create', '--email', email, '--role', role, '--password-stdin', '--json']
    return JSON.parse(await installation.run(words, password))
  }

  const post = (path: string, body?: unknown, token?: string) =>
    call('POST', path, { token, ...(body !== undefined && { body }) })
  const login = (user: User, secret = password) =>
    post('/auth/login', { email: user.email, password: secret })

  /** Signs in where the password is enough; fails where it is not. */
  async function enter(user: User): Promise<string> {
    const { body } = await login(user)
    expect(body.access_token, JSON.stringify(body)).toBeTypeOf('string')
    return body.access_token
  }

  /** Begins a sign-in that needs more than the password. */
  async function begin(user: User): Promise<string> {
    const { body } = await login(user)
    expect(body.temp_token, JSON.stringify(body)).toBeTypeOf('string')
    return body.temp_token
  }

  const verify = (temp_token: string, code: string, method?: string) =>
    post('/auth/mfa/verify', { temp_token, code, ...(method !== undefined && { method }) })

  /** Registers an authenticator and confirms it, which uses up its first code. */
  async function enrol(token: string): Promise<{ phone: Phone; backupCodes: string[]; confirmed: Answer }> {
    const begun = await post('/auth/mfa/enroll/totp', {}, token)
    expect(begun.status, JSON.stringify(begun.body)).toBe(200)
    const phone = makePhone(begun.body.secret)
    const confirmed = await post('/auth/mfa/enroll/verify', { code: await phone.code() }, token)
    expect(confirmed.status, JSON.stringify(confirmed.body)).toBe(200)
    return { phone, backupCodes: begun.body.backup_codes, confirmed }
  }

  /** The codes and links that were mailed to a user, oldest first. */
  const mailed = (user: User, what: RegExp) =>
    mail.mails
      .filter(({ to }) => to && !Array.isArray(to) && to.text === user.email)
      .flatMap(({ text = '' }) => what.exec(text)?.[1] ?? [])

  async function nextMail(user: User, what: RegExp, before: number): Promise<string> {
    await expect.poll(() => mailed(user, what).length, { timeout: 10_000 }).toBe(before + 1)
    return mailed(user, what)[before]!
  }

  return {
    ...{ seed, installation, mail, call, post, login, enter, begin, verify, enrol, addUser, stop },
    nodes: () => nodes,
    get: (path: string, token?: string) => call('GET', path, { token }),
    /** Asks for a code by mail and reads it there. */
    async mailedCode(user: User, ask: { temp_token?: string; token?: string }): Promise<string> {
      const before = mailed(user, code).length
      const { temp_token, token } = ask
      const sent = await post('/auth/mfa/email/send', { ...(temp_token && { temp_token }) }, token)
      expect(sent).toMatchObject({ status: 200, body: emailSent })
      return nextMail(user, code, before)
    },
    mailedLink: (user: User, before = 0) => nextMail(user, /(https:\/\/\S+)/, before),
    /** Stops every node, in order, and starts as many again with more configuration. */
    async restart(more: object): Promise<void> {
      await stop()
      installation.configure({ ...base, ...config, ...more })
      nodes = await installation.start(count)
    },
    async close() {
      await stop()
      await Promise.all([mail.close(), database?.stop()])
      installation.remove()
    },
  }
}

const code = /^ {4}(\d{6})$/m

export const time = expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/)
const token = expect.stringMatching(/^[\w-]+\.[\w-]+\.[\w-]+$/)
const emailSent = { success: true, message: expect.any(String), expires_in_minutes: 10 }

/** A full sign-in, field by field. */
export function grantOf({ id, role }: User, more: object = {}) {
  return {
    mfa_required: false,
    access_token: token,
    token_type: 'bearer',
    expires_in: 900,
    refresh_token: expect.stringMatching(/^spr_[\w-]{43}$/),
    user_id: id,
    company_id: null,
    role,
    ...more,
  }
}

/** An attempt that has begun, field by field. */
export function pendingOf({ id }: User, methods: string[], more: object = {}) {
  return {
    mfa_required: true,
    mfa_method: methods[0],
    mfa_methods: methods,
    temp_token: token,
    user_id: id,
    chain: { step: 1, of: 1, label: 'Second factor', expected: methods },
    remember_days: 30,
    ...more,
  }
}

/** RFC 9457, field by field. */
export function expectProblem(answer: Answer, status: number, code: string, more: object = {}): void {
  expect(answer.body).toEqual({
    type: 'about:blank',
    title: code.replaceAll('_', ' '),
    status,
    code,
    detail: expect.any(String),
    ...more,
  })
  expect(answer.status).toBe(status)
  expect(answer.headers.get('content-type')).toBe('application/problem+json')
}
