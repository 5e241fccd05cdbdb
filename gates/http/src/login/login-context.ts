import type { Attempt, DeviceGrant, FactorType, Session, SignedIn, Subject } from '@sallyport/core'
import { deleteCookie, setCookie } from 'hono/cookie'
import type { Access } from '../access.ts'
import type { AddressGuard } from '../address-guard.ts'
import type { Call } from '../bind.ts'
import { codeLengths } from '../code-lengths.ts'
import type { GateContext } from '../context.ts'
import type { GateConfig, GateServices } from '../services.ts'
import type { SessionMemory } from '../session-memory.ts'
import { accessLifetime, type Tokens } from '../tokens.ts'

const refreshCookieLifetime = 30 * 24 * 3_600
const day = 24 * 3_600_000

/** What the login surface's handlers share. */
export interface LoginContext {
  services: GateServices
  config: GateConfig
  tokens: Tokens
  memory: SessionMemory
  access: Access
  guard: AddressGuard
  /** That of a trusted browser outlives signing out: it says who may leave out the second factor here. */
  cookies: { access: string; refresh: string; device: string }
}

/** A full sign-in, on the wire; browsers get it as cookies as well. */
export async function grantAnswer(
  login: LoginContext,
  context: GateContext,
  signedIn: Omit<SignedIn, 'status' | 'refreshToken'> & { refreshToken: string | null },
) {
  const { session, subject, refreshToken, graceUntil } = signedIn
  const accessToken = await login.tokens.issueAccess(session, subject)
  setSessionCookies(login, context, { accessToken, refreshToken })
  return {
    mfa_required: false as const,
    access_token: accessToken,
    token_type: 'bearer' as const,
    expires_in: accessLifetime,
    ...(refreshToken === null ? {} : { refresh_token: refreshToken }),
    user_id: subject.id,
    company_id: subject.company,
    role: subject.role,
    ...(graceUntil === null ? {} : { grace_until: iso(graceUntil) }),
  }
}

/** A session that may only enrol, on the wire. */
export async function mustEnrolAnswer(login: LoginContext, granted: { session: Session; subject: Subject }) {
  const { session, subject } = granted
  return {
    mfa_required: false as const,
    enrollment_required: true as const,
    enrollment_token: await login.tokens.issueAccess(session, subject),
    user_id: subject.id,
  }
}

/** An attempt that has begun, on the wire. */
export async function pendingAnswer(
  login: LoginContext,
  pending: { attempt: Attempt; subject: Subject; methods: readonly FactorType[] },
) {
  const { attempt, subject, methods } = pending
  const offered = methods.filter(isSecond)
  const { devices } = login.services
  return {
    mfa_required: true as const,
    mfa_method: offered[0]!,
    mfa_methods: offered,
    temp_token: await login.tokens.issuePending(attempt),
    user_id: subject.id,
    chain: await chainAnswer(login, attempt, methods),
    ...(devices.offeredFor(attempt) ? { remember_days: Math.ceil(devices.lifetime / day) } : {}),
  }
}

export async function chainAnswer(
  { services }: LoginContext,
  attempt: Attempt,
  methods: readonly FactorType[],
) {
  const step = attempt.chain[attempt.cursor]!
  const theirs = { status: 'active', factor: 'totp' } as const
  const phones = methods.includes('totp')
    ? await services.store.read((tx) => tx.enrolments.listBySubject(attempt.subjectId, theirs))
    : []
  return {
    step: attempt.cursor + 1,
    of: attempt.chain.length,
    label: step.label,
    expected: methods.filter(isSecond),
    ...codeLengths(phones),
  }
}

export type Method = Exclude<FactorType, 'password'>

export function isSecond(kind: FactorType): kind is Method {
  return kind !== 'password'
}

/** What a browser keeps; a token that is not given leaves the cookie that it has. */
export function setSessionCookies(
  { config, cookies }: LoginContext,
  context: GateContext,
  tokens: { accessToken?: string; refreshToken: string | null },
): void {
  const { accessToken, refreshToken } = tokens
  const shared = { httpOnly: true, secure: config.secureCookies, sameSite: 'Lax', path: '/' } as const
  if (accessToken) setCookie(context, cookies.access, accessToken, { ...shared, maxAge: accessLifetime })
  if (refreshToken)
    setCookie(context, cookies.refresh, refreshToken, { ...shared, maxAge: refreshCookieLifetime })
}

/** What a trusted browser keeps, for as long as it is trusted. */
export function setDeviceCookie(
  { config, cookies, services }: LoginContext,
  context: GateContext,
  { device, token }: DeviceGrant,
): void {
  const maxAge = Math.floor((device.expiresAt - services.clock.now()) / 1_000)
  // A year and a bit is as long as browsers keep any cookie (RFC 6265bis, section 5.5).
  const kept = { maxAge: Math.max(0, Math.min(maxAge, 400 * 24 * 3_600)) }
  const shared = { httpOnly: true, secure: config.secureCookies, sameSite: 'Lax', path: '/' } as const
  setCookie(context, cookies.device, token, { ...shared, ...kept })
}

export function clearSessionCookies({ config, cookies }: LoginContext, context: GateContext): void {
  for (const name of [cookies.access, cookies.refresh])
    deleteCookie(context, name, { path: '/', secure: config.secureCookies })
}

/** The person behind a call whose route only lets persons in. */
export function personOf(call: Pick<Call<never>, 'caller'>): { session: Session; subject: Subject } {
  if (call.caller.kind !== 'person') throw new TypeError('the route lets others than persons in')
  return call.caller
}

export function iso(at: number): string {
  return new Date(at).toISOString()
}
