import { createHash } from 'node:crypto'
import type { ApiKey, Sessions, Store } from '@sallyport/core'
import type { Access as AccessKind } from '@sallyport/protocol'
import { getCookie } from 'hono/cookie'
import type { GateContext } from './context.ts'
import { Refusal } from './refusal.ts'
import type { Person, SessionMemory } from './session-memory.ts'

export type Caller = { kind: 'anybody' } | ({ kind: 'person' } & Person) | { kind: 'key'; key: ApiKey }

export interface Access {
  admit(kind: AccessKind, context: GateContext): Promise<Caller | Refusal>
  /** What stands behind a change: fresh proof, or that there is nothing to prove with yet; or neither. */
  proofOf(person: Person): Promise<'fresh' | 'nothing_enrolled' | null>
  /** The CSRF guard: browsers say where a request comes from, and a page elsewhere cannot change it. */
  fromOwnPages(context: GateContext): boolean
}

export interface AccessOptions {
  store: Store
  memory: SessionMemory
  sessions: Pick<Sessions, 'isFresh'>
  cookieName: string
  /** Where people's browsers find these pages, which behind a proxy is not what the request says. */
  origin: string
}

const keyShape = /^spk_[A-Za-z0-9_-]{43}$/

/** Decides who may call, by `Authorization: Bearer` or the session's cookie and by nothing else. */
export function createAccess(options: AccessOptions): Access {
  const { store, memory, sessions, cookieName, origin: publicOrigin } = options

  async function admit(kind: AccessKind, context: GateContext): Promise<Caller | Refusal> {
    if (kind === 'public' || kind === 'pending') return { kind: 'anybody' }
    if (kind.startsWith('key:')) return admitKey(kind.slice('key:'.length), context)
    if (kind === 'security:read' || kind === 'security:write') {
      if (bearer(context)?.startsWith('spk_')) return admitKey(kind, context)
      return admit(kind === 'security:read' ? 'admin' : 'proven_admin', context)
    }
    const person = await findPerson(context)
    if (person instanceof Refusal) return person
    const { session, subject } = person
    if (session.kind === 'enrolling' && kind !== 'enrolling') {
      return new Refusal('forbidden', 'this session may only enrol a factor: do that first')
    }
    if ((kind === 'admin' || kind === 'proven_admin') && subject.role !== 'admin') {
      return new Refusal('forbidden', 'this needs the role admin')
    }
    if ((kind === 'proven' || kind === 'proven_admin') && !(await proofOf(person))) return stepUpRequired()
    return { kind: 'person', session, subject }
  }

  async function admitKey(scope: string, context: GateContext): Promise<Caller | Refusal> {
    const token = bearer(context)
    if (!token || !keyShape.test(token))
      return new Refusal('invalid_api_key', 'send an API key: Authorization: Bearer spk_…')
    const hash = createHash('sha256').update(token).digest('hex')
    const key = await store.read((tx) => tx.apiKeys.findByHash(hash))
    if (!key || key.revokedAt !== null) return new Refusal('invalid_api_key', 'this API key is not in force')
    // The scope admin holds all others.
    if (!key.scopes.includes(scope) && !key.scopes.includes('admin'))
      return new Refusal('forbidden', `this API key lacks the scope ${scope}`)
    return { kind: 'key', key }
  }

  async function findPerson(context: GateContext): Promise<Person | Refusal> {
    const token = bearer(context)
    if (token) return (await memory.person(token)) ?? invalidToken()
    const cookie = getCookie(context, cookieName)
    if (!cookie) return invalidToken()
    if (!fromOwnPages(context)) return csrfRefused()
    return (await memory.person(cookie)) ?? invalidToken()
  }

  /** Asked of the store, never of this node's memory: proof may have been given on another node. */
  async function proofOf({ session, subject }: Person): Promise<'fresh' | 'nothing_enrolled' | null> {
    const [current, enrolments] = await store.read(async (tx) => [
      await tx.sessions.find(session.id),
      await tx.enrolments.listBySubject(subject.id, { status: 'active' }),
    ])
    // Somebody with nothing enrolled has nothing to prove with: the password was the whole sign-in.
    if (!enrolments.some((enrolment) => enrolment.factor !== 'password')) return 'nothing_enrolled'
    return current !== null && sessions.isFresh(current) ? 'fresh' : null
  }

  function fromOwnPages(context: GateContext): boolean {
    const { method, url } = context.req
    if (method === 'GET' || method === 'HEAD') return true
    const site = context.req.header('sec-fetch-site')
    if (site !== undefined) return site === 'same-origin'
    const origin = context.req.header('origin')
    return origin !== undefined && [publicOrigin, new URL(url).origin].includes(origin)
  }

  return { admit, proofOf, fromOwnPages }
}

export function stepUpRequired(): Refusal {
  return new Refusal('step_up_required', 'this needs fresh proof: POST /auth/step-up, then verify a factor')
}

export function csrfRefused(): Refusal {
  return new Refusal('csrf_refused', "a call with this installation's cookies must come from its own pages")
}

export function invalidToken(): Refusal {
  return new Refusal('invalid_token', 'this token is not in force')
}

function bearer(context: GateContext): string | null {
  return bearerToken(context.req.header('authorization'))
}

export function bearerToken(authorization: string | undefined): string | null {
  const [, token] = /^Bearer ([\w.~+/=-]{1,4096})$/i.exec(authorization ?? '') ?? []
  return token ?? null
}
