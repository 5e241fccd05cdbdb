import { type Attempt, loginApplication, type Tx } from '@sallyport/core'
import { type AnswerOf, webauthnRoutes } from '@sallyport/protocol'
import type { Binder, Call } from '../bind.ts'
import type { GateContext } from '../context.ts'
import { Refusal, webauthnFaults } from '../refusal.ts'
import type { LoginContext } from './login-context.ts'

type Place = Pick<Call<never>, 'address' | 'userAgent' | 'context'>

export interface Finishing<Finished> {
  /** The grant of a completed attempt. */
  finishIn(tx: Tx, attempt: Attempt, place: Place): Promise<Finished>
  finishAnswer(
    finished: Finished,
    place: Place,
  ): Promise<AnswerOf<typeof webauthnRoutes.passkeyVerify> | Refusal>
  /** Whether the browser is known as that of this subject, and spared by the guard's own blocks. */
  isOwnDevice(context: GateContext, subjectId: () => Promise<string | null>): Promise<boolean>
}

/** Signing in without a password. */
export function registerPasskeys<Finished>(
  bind: Binder,
  login: LoginContext,
  finishing: Finishing<Finished>,
): void {
  const { passkeys, outbox, blocks } = login.services

  bind(webauthnRoutes.passkeyOptions, async ({ body }) => {
    const options = await passkeys?.begin(body.email === undefined ? {} : { name: body.email })
    return options ?? denied()
  })

  bind(webauthnRoutes.passkeyVerify, async (call) => {
    const { address } = call
    const blocked = login.guard.refuseGuess(address)
    const claimed = async () => (await passkeys?.claimedBy(call.body.response)) ?? null
    if (blocked && !(await finishing.isOwnDevice(call.context, claimed))) return blocked
    const outcome = await passkeys?.finish({
      response: call.body.response,
      address,
      userAgent: call.userAgent,
      grant: (tx, attempt) => finishing.finishIn(tx, attempt, call),
    })
    if (outcome?.status === 'complete') {
      await blocks.succeeded({ address, subjectId: outcome.subjectId })
      return finishing.finishAnswer(outcome.grant, call)
    }
    if (outcome?.status !== 'rejected') return denied()
    await blocks.failed({ address, subjectId: null, application: loginApplication, reason: 'passkey' })
    // A key that was locked just now: its owner is told by mail.
    void outbox.kick()
    return new Refusal('invalid_code', webauthnFaults[outcome.why ?? ''] ?? 'this passkey was not accepted')
  })
}

function denied(): Refusal {
  return new Refusal(
    'denied',
    'no policy lets a passkey take the place of the password here: sign in with it',
  )
}
