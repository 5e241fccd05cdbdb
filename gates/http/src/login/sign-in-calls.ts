import {
  type Attempt,
  canonicalAlias,
  type DeviceGrant,
  type Finish,
  loginApplication,
  type Tx,
} from '@sallyport/core'
import { authRoutes } from '@sallyport/protocol'
import { getCookie } from 'hono/cookie'
import { csrfRefused, invalidToken } from '../access.ts'
import type { Binder, Call } from '../bind.ts'
import type { GateContext } from '../context.ts'
import { busy, Refusal, refuseUntil, throttled, wrongCode } from '../refusal.ts'
import {
  chainAnswer,
  clearSessionCookies,
  grantAnswer,
  iso,
  type LoginContext,
  mustEnrolAnswer,
  pendingAnswer,
  personOf,
  setDeviceCookie,
} from './login-context.ts'
import { tellNewPlace, tellWrongFactor } from './notices.ts'
import { registerPasskeys } from './passkey-calls.ts'

/** Signing in, the steps of an attempt, and signing out. */
export function registerSignIn(bind: Binder, login: LoginContext): void {
  const { services, tokens, memory, cookies, guard } = login
  const { signIn, attempts, blocks, sessions, devices, emailCodes, outbox, store, clock } = services

  bind(authRoutes.login, async ({ body, address, userAgent, context }) => {
    const blocked = guard.refuseGuess(address)
    if (blocked && !(await isOwnDevice(context, () => subjectNamed(body.email)))) return blocked
    const deviceToken = getCookie(context, cookies.device) ?? null
    const outcome = await signIn.withPassword({ ...body, address, userAgent, deviceToken })
    if ('device' in outcome && outcome.device) setDeviceCookie(login, context, outcome.device)
    switch (outcome.status) {
      case 'signed_in':
        await blocks.succeeded({ address, subjectId: outcome.subject.id })
        return grantAnswer(login, context, outcome)
      case 'mfa':
        return pendingAnswer(login, outcome)
      case 'must_enrol':
        return mustEnrolAnswer(login, outcome)
      case 'denied':
        return new Refusal('denied', 'signing in is not open to this account from here and now')
      case 'throttled':
        return throttled(outcome.until, clock.now())
      case 'busy':
        return busy()
      case 'refused':
        await failed({ address, subjectId: await subjectNamed(body.email), reason: 'password' })
        return new Refusal('invalid_credentials', 'e-mail address or password is wrong')
    }
  })

  const failed = (attempt: { address: string; subjectId: string | null; reason: string }) =>
    blocks.failed({ ...attempt, application: loginApplication })

  bind(authRoutes.verify, async (call) => {
    const { body } = call
    const pending = await tokens.readPending(body.temp_token)
    if (!pending) return invalidToken()
    const blocked = guard.refuseGuess(call.address)
    if (blocked && !(await isSpared(call.context, pending.attemptId))) return blocked
    const outcome = await attempts.verify({
      attemptId: pending.attemptId,
      input: body.code ?? body.response,
      ...(body.method === undefined ? {} : { method: body.method }),
      grant: (tx, attempt) => finishIn(tx, attempt, call),
    })
    switch (outcome.status) {
      case 'complete':
        await blocks.succeeded({ address: call.address, subjectId: outcome.attempt.subjectId })
        return finishAnswer(outcome.grant, call)
      case 'advanced':
        return {
          mfa_required: true as const,
          chain: await chainAnswer(login, outcome.attempt, await signIn.methods(outcome.attempt)),
        }
      case 'locked':
        await failedWhileLocked(call.address, pending.attemptId)
        return refuseUntil('locked', lockedAdvice(outcome.until), { until: outcome.until, now: clock.now() })
      case 'gone':
        return invalidToken()
      case 'rejected': {
        const { subjectId } = outcome.attempt
        await failed({ address: call.address, subjectId, reason: 'code' })
        // A key that was locked just now: its owner is told by mail.
        if (outcome.why !== null) void outbox.kick()
        if (outcome.lockedUntil !== null && outcome.attempt.purpose === 'sign-in') {
          const refused = { subjectId: outcome.attempt.subjectId, place: call }
          await store.transaction((tx) => tellWrongFactor(tx, refused, outbox))
          void outbox.kick()
        }
        if (!outcome.reset) return wrongCode(outcome, { now: clock.now() })
        const chain = await chainAnswer(login, outcome.attempt, await signIn.methods(outcome.attempt))
        return wrongCode(outcome, { now: clock.now(), chain })
      }
    }
  })

  async function failedWhileLocked(address: string, attemptId: string): Promise<void> {
    const attempt = await store.read((tx) => tx.attempts.find(attemptId))
    if (attempt) await failed({ address, subjectId: attempt.subjectId, reason: 'locked' })
  }

  /** The guard's own blocks leave those alone who are signed in, and browsers that are known. */
  async function isSpared(context: GateContext, attemptId: string): Promise<boolean> {
    const attempt = await attempts.find(attemptId)
    if (!attempt) return false
    return attempt.purpose === 'step-up' || isOwnDevice(context, async () => attempt.subjectId)
  }

  /** Whether the browser is known as that of the very subject: one's own opens no way to others' accounts. */
  async function isOwnDevice(
    context: GateContext,
    subjectId: () => Promise<string | null>,
  ): Promise<boolean> {
    const token = getCookie(context, cookies.device)
    const device = token === undefined ? null : await devices.recognise(token)
    return device !== null && device.subjectId === (await subjectId())
  }

  async function subjectNamed(name: string): Promise<string | null> {
    const alias = canonicalAlias(name)
    if (alias === null) return null
    return (await store.read((tx) => tx.subjects.findByAlias(loginApplication, alias)))?.id ?? null
  }

  /** The grant of a completed attempt, with what the person is told of it, in the same commit. */
  async function finishIn(
    tx: Tx,
    attempt: Attempt,
    place: Pick<Call<typeof authRoutes.verify>, 'address' | 'userAgent' | 'context'> & {
      body: { remember_device?: boolean | undefined }
    },
  ) {
    const finish = await signIn.finish(tx, attempt, place)
    if (finish.status !== 'signed_in') return { finish, device: null, mailed: false }
    const { subject, session } = finish
    const { address, userAgent } = place
    const mailed = await tellNewPlace(tx, { subject, sessionId: session.id, place, now: clock.now() }, outbox)
    if (!place.body.remember_device || !devices.offeredFor(attempt)) return { finish, device: null, mailed }
    const token = getCookie(place.context, cookies.device) ?? null
    const device = await devices.remember(tx, { subject, address, userAgent, token })
    return { finish, device, mailed: mailed || device !== null }
  }

  async function finishAnswer(
    { finish, device, mailed }: { finish: Finish; device: DeviceGrant | null; mailed: boolean },
    { context }: Pick<Call<never>, 'context'>,
  ) {
    if (finish.status === 'refused') return invalidToken()
    // The outbox is looked into at a cost of a commit; nearly every sign-in writes no letter.
    if (mailed) void outbox.kick()
    if (device) setDeviceCookie(login, context, device)
    if (finish.status === 'signed_in') return grantAnswer(login, context, finish)
    // Fresh proof for a session that goes on: its refresh token stays as it is.
    memory.forget(finish.session.id)
    return grantAnswer(login, context, { ...finish, refreshToken: null, graceUntil: null })
  }

  // There is no step that a remembered browser would leave out.
  registerPasskeys(bind, login, {
    finishIn: (tx, attempt, place) => finishIn(tx, attempt, { ...place, body: {} }),
    ...{ finishAnswer, isOwnDevice },
  })

  bind(authRoutes.sendEmail, async ({ body, context }) => {
    const who = body.temp_token === undefined ? await bySession(context) : await byAttempt(body.temp_token)
    if (who instanceof Refusal) return who
    const outcome = await emailCodes.send(who)
    if (outcome.status === 'too_many') {
      return refuseUntil('too_many_attempts', 'too many codes were sent: wait, or use another method', {
        until: outcome.until,
        now: clock.now(),
      })
    }
    return {
      success: true as const,
      message: 'A code is on its way, if this account may use one.',
      expires_in_minutes: 10,
    }
  })

  async function byAttempt(tempToken: string) {
    const pending = await tokens.readPending(tempToken)
    const attempt = pending && (await attempts.find(pending.attemptId))
    const subject = attempt && (await store.read((tx) => tx.subjects.find(attempt.subjectId)))
    if (!subject || subject.application !== loginApplication) return invalidToken()
    return { subject, purpose: 'sign-in' as const }
  }

  async function bySession(context: Call<never>['context']) {
    const person = await login.access.admit('session', context)
    if (person instanceof Refusal) return person
    return { subject: personOf({ caller: person }).subject, purpose: 'step-up' as const }
  }

  bind(authRoutes.stepUp, async (call) => {
    const outcome = await signIn.stepUp(personOf(call).session)
    if (outcome.status === 'refused') return invalidToken()
    if (outcome.status === 'nothing_enrolled')
      return new Refusal('nothing_enrolled', 'this account has no factor to prove with: enrol one first')
    return pendingAnswer(login, outcome)
  })

  bind(authRoutes.refresh, async ({ body, context }) => {
    const token = body.refresh_token ?? getCookie(context, cookies.refresh)
    if (token === undefined) return invalidToken()
    if (body.refresh_token === undefined && !login.access.fromOwnPages(context)) return csrfRefused()
    const outcome = await sessions.refresh(token)
    if (outcome.status === 'refreshed') return grantAnswer(login, context, { ...outcome, graceUntil: null })
    if (outcome.status === 'reused') memory.forget(outcome.sessionId)
    clearSessionCookies(login, context)
    return invalidToken()
  })

  bind(authRoutes.logout, async (call) => {
    const { session, subject } = personOf(call)
    const ended = call.body.everywhere
      ? await sessions.revokeAll({ subjectId: subject.id, actor: null, reason: 'signed_out_everywhere' })
      : (await sessions.revoke({ id: session.id, subjectId: subject.id, actor: null }))
        ? [session.id]
        : []
    for (const id of ended) memory.forget(id)
    clearSessionCookies(login, call.context)
    return {
      success: true as const,
      message: call.body.everywhere ? 'Signed out everywhere.' : 'Signed out.',
    }
  })

  bind(authRoutes.me, async (call) => {
    const { session, subject } = personOf(call)
    return {
      user_id: subject.id,
      email: subject.email,
      role: subject.role,
      company_id: subject.company,
      session_id: session.id,
      auth_time: iso(session.authTime),
      amr: [...session.factors],
    }
  })
}

/** A lock ends by itself; the ceiling of wrong codes in a row does not, and a backup code passes it. */
function lockedAdvice(until: number | null): string {
  if (until !== null) return 'too many wrong codes: wait, or use a passkey or security key'
  return 'too many wrong codes in a row: use a passkey, a security key or a backup code, or ask an administrator'
}
