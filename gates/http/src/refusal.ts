import type { SallyportError } from '@sallyport/core'
import { type ProblemCode, problem, problemContentType } from '@sallyport/protocol'
import type { ContentfulStatusCode } from 'hono/utils/http-status'
import type { GateContext } from './context.ts'

/** An expected "no": which problem, what a client may want to know beside it, and when to come back. */
export class Refusal {
  readonly code: ProblemCode
  readonly detail: string
  readonly extra: Readonly<Record<string, unknown>>
  readonly retryAfter: number | null

  constructor(
    code: ProblemCode,
    detail: string,
    more: { extra?: Readonly<Record<string, unknown>>; retryAfter?: number | null } = {},
  ) {
    this.code = code
    this.detail = detail
    this.extra = more.extra ?? {}
    this.retryAfter = more.retryAfter ?? null
  }
}

/** No, until `until` (milliseconds since the epoch); `null` where only a person can lift it. */
export function refuseUntil(
  code: ProblemCode,
  detail: string,
  wait: { until: number | null; now: number; extra?: Readonly<Record<string, unknown>> },
): Refusal {
  const { until, now, extra = {} } = wait
  if (until === null) return new Refusal(code, detail, { extra })
  const retryAfter = Math.max(1, Math.ceil((until - now) / 1_000))
  return new Refusal(code, detail, {
    extra: { ...extra, retry_at: new Date(until).toISOString() },
    retryAfter,
  })
}

/** A wrong code; the one too many also says until when the next is refused. */
export function wrongCode(
  wrong: { attemptsLeft: number | null; lockedUntil: number | null; why?: string | null },
  more: { now: number; chain?: object },
): Refusal {
  const { attemptsLeft, lockedUntil } = wrong
  // A wrong signature costs no guess: nothing is counted down.
  const extra = {
    ...(attemptsLeft !== null && { attempts_left: attemptsLeft }),
    ...(more.chain ? { chain: more.chain } : {}),
  }
  const fault = webauthnFaults[wrong.why ?? '']
  const [code, detail] = more.chain
    ? (['chain_reset', `${fault ?? 'this code was not right'}: begin again with the first step`] as const)
    : (['invalid_code', fault ?? 'this code is not right, or was used before'] as const)
  return lockedUntil === null
    ? new Refusal(code, detail, { extra })
    : refuseUntil(code, `${detail}; it was one too many`, { until: lockedUntil, now: more.now, extra })
}

/** What is wrong with a security key's response, and what to do about it. */
export const webauthnFaults: Readonly<Record<string, string>> = {
  malformed: 'this response cannot be read: send what the browser made, unchanged',
  type: 'this response was made for something else: ask for new options',
  challenge: 'this response answers no challenge in force, or another one: ask for new options',
  origin: 'this page is none of the configured origins: an operator adds it to security.mfa.fido2.origins',
  cross_origin: 'this response was made inside a page of somebody else',
  rp_id: 'this key was registered for another domain',
  user_presence: 'nobody touched the key',
  user_verification: 'the key did not verify who is there: set a PIN or a fingerprint on it',
  backup_state: 'this key is not what it was when it was registered',
  credential: 'this key is not registered to this account, or to another one already',
  signature: 'the signature of this response is not right',
  attestation: 'keys of this make are not allowed here',
  sign_count: 'this key has a copy: it was locked, use another factor and register a new key',
}

export function refusalOf(error: SallyportError): Refusal {
  return new Refusal(
    error.code,
    error.message,
    error.faults.length > 0 ? { extra: { errors: error.faults } } : {},
  )
}

/** Through the context, so that the headers and cookies set on it go out with a refusal too. */
export function answerRefusal(context: GateContext, refusal: Refusal): Response {
  const { code, detail, extra, retryAfter } = refusal
  const body = { ...problem(code, detail), ...extra }
  const headers: Record<string, string> = { 'content-type': problemContentType, 'cache-control': 'no-store' }
  if (retryAfter !== null) headers['retry-after'] = String(retryAfter)
  if (body.status === 401) headers['www-authenticate'] = 'Bearer'
  return context.body(JSON.stringify(body), body.status as ContentfulStatusCode, headers)
}

/** More password work waits than the machine can do. */
export function busy(): Refusal {
  return new Refusal('busy', 'too many people are signing in at once: try again in a moment', {
    retryAfter: 1,
  })
}

/** Too many wrong passwords, until `until`. */
export function throttled(until: number, now: number): Refusal {
  return refuseUntil('too_many_attempts', 'too many wrong passwords: wait, then try again', { until, now })
}
