import { authRoutes } from '@sallyport/protocol'
import { invalidToken } from '../access.ts'
import type { Binder } from '../bind.ts'
import { busy, Refusal, throttled } from '../refusal.ts'
import { grantAnswer, type LoginContext, mustEnrolAnswer } from './login-context.ts'
import { unfit } from './password-calls.ts'

/** What somebody else's hand opens: invitations, enrolment links and helpdesk passes. */
export function registerInvitations(bind: Binder, login: LoginContext): void {
  const { services, tokens } = login
  const { invitations, recovery, clock } = services

  bind(authRoutes.acceptInvitation, async ({ body }) => {
    const outcome = await invitations.accept(body)
    if (outcome.status === 'unfit') return unfit(outcome.faults)
    if (outcome.status === 'busy') return busy()
    if (outcome.status === 'refused') return invalidToken()
    return { success: true as const, message: 'The password is set: sign in with it.' }
  })

  bind(authRoutes.acceptEnrolmentLink, async ({ body, address, userAgent }) => {
    const outcome = await recovery.openByLink({ ...body, address, userAgent })
    switch (outcome.status) {
      case 'must_enrol':
        return mustEnrolAnswer(login, outcome)
      case 'throttled':
        return throttled(outcome.until, clock.now())
      case 'busy':
        return busy()
      case 'wrong_password':
        return new Refusal('invalid_credentials', 'the password is wrong')
      case 'refused':
        return invalidToken()
    }
  })

  bind(authRoutes.verifyPass, async ({ body, address, userAgent, context }) => {
    const pending = await tokens.readPending(body.temp_token)
    if (!pending) return invalidToken()
    const { attemptId } = pending
    const outcome = await recovery.usePass({ attemptId, pass: body.pass, address, userAgent })
    if (outcome.status === 'signed_in') return grantAnswer(login, context, outcome)
    return new Refusal('invalid_code', 'this pass is not right, was used before, or came too late')
  })
}
