import type { Enrolment, Session, Subject } from '@sallyport/core'
import type { Call } from '../bind.ts'
import {
  grantAnswer,
  iso,
  type LoginContext,
  type Method,
  mustEnrolAnswer,
  pendingAnswer,
} from './login-context.ts'

type Origin = Pick<Call<never>, 'address' | 'userAgent' | 'context'>

/** Tells the person of a factor that was just enrolled, and answers with it and with what comes next. */
export async function enrolledAnswer(
  login: LoginContext,
  call: Origin,
  done: { session: Session; subject: Subject; enrolment: Enrolment },
) {
  const { store, outbox, clock } = login.services
  const { subject, enrolment } = done
  const facts = { factor: enrolment.factor, name: enrolment.name }
  await store.transaction((tx) => outbox.notify(tx, { subject, kind: 'factor_added', facts }))
  void outbox.kick()
  return {
    success: true as const,
    message: 'The factor is enrolled.',
    method: enrolment.factor as Method,
    enrolled_at: iso(enrolment.confirmedAt ?? clock.now()),
    ...(await goOn(login, call, done)),
  }
}

/** A sign-in that had to enrol first goes on from here; fresh proof counts for any other session. */
async function goOn(login: LoginContext, call: Origin, done: { session: Session; enrolment: Enrolment }) {
  const { session, enrolment } = done
  const { address, userAgent, context } = call
  if (session.kind !== 'enrolling') return {}
  const { signIn } = login.services
  const next = await signIn.afterEnrolment({ session, enrolmentId: enrolment.id, address, userAgent })
  login.memory.forget(session.id)
  if (next.status === 'signed_in') return grantAnswer(login, context, next)
  if (next.status === 'mfa') return pendingAnswer(login, next)
  if (next.status === 'must_enrol') return mustEnrolAnswer(login, next)
  return {}
}
