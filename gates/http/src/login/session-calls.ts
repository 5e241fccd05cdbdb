import { nameBrowser, readActivity, type TrustedDevice } from '@sallyport/core'
import { authRoutes } from '@sallyport/protocol'
import { getCookie } from 'hono/cookie'
import type { Binder } from '../bind.ts'
import { Refusal } from '../refusal.ts'
import { iso, type LoginContext, personOf } from './login-context.ts'

/** A person's own sessions, and what an application may ask about a token. */
export function registerSessions(bind: Binder, { services, memory, tokens, cookies }: LoginContext): void {
  const { sessions, devices } = services

  bind(authRoutes.sessions, async (call) => {
    const { session: current, subject } = personOf(call)
    const all = await sessions.list(subject.id)
    return {
      sessions: all.map((session) => ({
        id: session.id,
        current: session.id === current.id,
        created_at: iso(session.createdAt),
        expires_at: iso(session.expiresAt),
        address: session.address,
        user_agent: session.userAgent,
        browser: nameBrowser(session.userAgent),
        ...(session.kind === 'enrolling' && { enrolling: true as const }),
      })),
    }
  })

  bind(authRoutes.activity, async (call) => {
    const { after, limit } = call.query
    const before = after === undefined ? null : Number(after)
    const subjectId = personOf(call).subject.id
    const { items, next } = await readActivity(services.store, { subjectId, before, limit })
    return {
      items: items.map(({ seq, at, byAdministrator, factors, ...rest }) => ({
        ...{ ...rest, id: String(seq), at: iso(at) },
        ...{ by_administrator: byAdministrator, factors: [...factors] },
      })),
      next: next === null ? null : String(next),
    }
  })

  bind(authRoutes.endSession, async (call) => {
    const { subject } = personOf(call)
    const ended = await sessions.revoke({ id: call.params.id, subjectId: subject.id, actor: null })
    if (!ended) return new Refusal('not_found', 'there is no such session in force')
    memory.forget(call.params.id)
    return { success: true as const, message: 'The session has ended.' }
  })

  bind(authRoutes.devices, async (call) => {
    const { subject } = personOf(call)
    const token = getCookie(call.context, cookies.device)
    const current = token === undefined ? null : await devices.recognise(token)
    const all = await devices.list(subject.id)
    return {
      devices: all.map((device) => ({ ...describeDevice(device), current: device.id === current?.id })),
    }
  })

  bind(authRoutes.endDevice, async (call) => {
    const { subject } = personOf(call)
    const ended = await devices.revoke({ id: call.params.id, subjectId: subject.id, actor: null })
    if (!ended) return new Refusal('not_found', 'there is no such trusted browser')
    return { success: true as const, message: 'The browser is no longer trusted.' }
  })

  bind(authRoutes.introspect, async ({ body }) => {
    const claims = await tokens.readAccess(body.token)
    const person = claims && (await memory.person(body.token))
    // A session that may only enrol a factor is nobody's sign-in yet.
    if (!claims || person?.session.kind !== 'full') return { active: false }
    return {
      active: true,
      sub: person.subject.id,
      sid: person.session.id,
      role: person.subject.role,
      exp: Math.floor(claims.expiresAt / 1_000),
      iat: Math.floor(claims.issuedAt / 1_000),
      auth_time: Math.floor(person.session.authTime / 1_000),
      amr: [...person.session.factors],
      acr: person.session.provedAt === null ? 'aal1' : 'aal2',
    }
  })
}

export function describeDevice(device: TrustedDevice) {
  return {
    id: device.id,
    name: device.browser,
    address: device.address,
    created_at: iso(device.createdAt),
    last_used_at: iso(device.lastUsedAt),
    expires_at: iso(device.expiresAt),
  }
}
