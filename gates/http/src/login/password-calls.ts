import { setTimeout } from 'node:timers/promises'
import type { Fault } from '@sallyport/core'
import { authRoutes } from '@sallyport/protocol'
import { invalidToken } from '../access.ts'
import type { Binder } from '../bind.ts'
import { busy, Refusal, refuseUntil, throttled } from '../refusal.ts'
import { type LoginContext, personOf, setSessionCookies } from './login-context.ts'

/**
 * A request for a reset is answered after this long, in milliseconds, whatever there was to do: a known
 * account has a letter written to it, and the time that takes would tell it from an unknown one.
 */
const resetAnswerTime = 50

/** Changing a password, and getting back in without it. */
export function registerPasswords(bind: Binder, login: LoginContext): void {
  const { passwords, outbox, clock } = login.services

  bind(authRoutes.changePassword, async (call) => {
    const { session } = personOf(call)
    const { current_password: current, new_password: next } = call.body
    const outcome = await passwords.changePassword({ session, current, next, address: call.address })
    void outbox.kick()
    switch (outcome.status) {
      case 'changed':
        setSessionCookies(login, call.context, { refreshToken: outcome.refreshToken })
        return {
          success: true as const,
          message: 'The password is changed; every other session has ended.',
          refresh_token: outcome.refreshToken,
        }
      case 'unfit':
        return unfit(outcome.faults)
      case 'throttled':
        return throttled(outcome.until, clock.now())
      case 'busy':
        return busy()
      case 'refused':
        return new Refusal('invalid_credentials', 'the current password is wrong')
    }
  })

  bind(authRoutes.requestReset, async ({ body, address }) => {
    const answerTime = setTimeout(resetAnswerTime)
    const outcome = await passwords.requestReset({ email: body.email, address })
    void outbox.kick()
    await answerTime
    if (outcome.status === 'throttled') {
      return refuseUntil('too_many_attempts', 'too many requests: wait, then try again', {
        until: outcome.until,
        now: clock.now(),
      })
    }
    return { success: true as const, message: 'If there is such an account, a link is on its way to it.' }
  })

  bind(authRoutes.confirmReset, async ({ body }) => {
    const outcome = await passwords.confirmReset({ token: body.token, password: body.new_password })
    void outbox.kick()
    if (outcome.status === 'unfit') return unfit(outcome.faults)
    if (outcome.status === 'busy') return busy()
    if (outcome.status === 'refused') return invalidToken()
    return {
      success: true as const,
      message: 'The password is set. Every session has ended: sign in with it.',
    }
  })
}

export function unfit(faults: readonly Fault[]): Refusal {
  return new Refusal('password_unfit', 'this password will not do', { extra: { errors: faults } })
}
