import { webauthnRoutes } from '@sallyport/protocol'
import { invalidToken, stepUpRequired } from '../access.ts'
import type { Binder, Call } from '../bind.ts'
import { Refusal, webauthnFaults } from '../refusal.ts'
import { enrolledAnswer } from './enrolled-answer.ts'
import { type LoginContext, personOf } from './login-context.ts'

/** Registering passkeys and security keys, and asking for one of them. */
export function registerWebauthn(bind: Binder, login: LoginContext): void {
  const { services, access, tokens } = login
  const { webauthn, attempts, enrolments, store } = services

  bind(webauthnRoutes.options, async ({ body, context }) => {
    if (!webauthn) return nothingEnrolled()
    const asked = body.temp_token === undefined ? await bySession(context) : await byAttempt(body.temp_token)
    if (asked instanceof Refusal) return asked
    return (await webauthn.request(asked)) ?? nothingEnrolled()
  })

  async function byAttempt(tempToken: string) {
    const pending = await tokens.readPending(tempToken)
    const attempt = pending && (await attempts.find(pending.attemptId))
    const subject = attempt && (await store.read((tx) => tx.subjects.find(attempt.subjectId)))
    return subject ? { subject, for: { attempt: attempt.id } } : invalidToken()
  }

  async function bySession(context: Call<never>['context']) {
    const caller = await access.admit('session', context)
    if (caller instanceof Refusal) return caller
    const { subject, session } = personOf({ caller })
    return { subject, for: { gate: 'login', session: session.id } }
  }

  bind(webauthnRoutes.enrol, async (call) => {
    const person = personOf(call)
    const proof = await access.proofOf(person)
    if (!proof) return stepUpRequired()
    const { subject } = person
    const begun = await webauthn?.begin({
      subject,
      account: subject.email ?? subject.ref,
      name: call.body.name ?? 'Passkey',
      // Begun without proof, since there was nothing to prove with: it must not become a second factor.
      asFirst: proof === 'nothing_enrolled',
    })
    return begun?.status === 'begun' ? begun.options : unavailable()
  })

  bind(webauthnRoutes.confirm, async (call) => {
    const { session, subject } = personOf(call)
    const outcome = await webauthn?.confirm({ subject, response: call.body.response })
    if (outcome?.status !== 'confirmed') return unconfirmed(outcome)
    const { enrolment } = outcome
    const codes = await enrolments.firstBackupCodes(subject)
    return {
      ...(await enrolledAnswer(login, call, { session, subject, enrolment })),
      credential_id: String(enrolment.settings.credential_id),
      ...(codes && { backup_codes: codes }),
    }
  })
}

/** Why what the authenticator made was not registered, on either surface. */
export function unconfirmed(
  outcome: { status: 'rejected'; why: string } | { status: 'nothing_pending' | 'unavailable' } | undefined,
): Refusal {
  if (outcome?.status === 'rejected')
    return new Refusal('invalid_code', webauthnFaults[outcome.why] ?? 'this response is not right')
  if (outcome?.status === 'nothing_pending')
    return new Refusal('nothing_pending', 'no registration in force has this challenge: begin anew')
  return unavailable()
}

export function unavailable(): Refusal {
  return new Refusal(
    'webauthn_unavailable',
    'security keys are off, or no domain is configured for them: see security.mfa.fido2, or rp_id and origins of the application',
  )
}

function nothingEnrolled(): Refusal {
  return new Refusal('nothing_enrolled', 'no security key is enrolled that could be asked for')
}
