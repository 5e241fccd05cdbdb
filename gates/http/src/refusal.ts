import type { SallyportError } from '@sallyport/core'
import { type ProblemCode, problem, problemContentType } from '@sallyport/protocol'

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
  wait: { until: number | null; now: number },
): Refusal {
  const { until, now } = wait
  if (until === null) return new Refusal(code, detail)
  const retryAfter = Math.max(1, Math.ceil((until - now) / 1_000))
  return new Refusal(code, detail, { extra: { retry_at: new Date(until).toISOString() }, retryAfter })
}

export function refusalOf(error: SallyportError): Refusal {
  return new Refusal(
    error.code,
    error.message,
    error.faults.length > 0 ? { extra: { errors: error.faults } } : {},
  )
}

export function answerRefusal({ code, detail, extra, retryAfter }: Refusal): Response {
  const body = { ...problem(code, detail), ...extra }
  const headers: Record<string, string> = { 'content-type': problemContentType, 'cache-control': 'no-store' }
  if (retryAfter !== null) headers['retry-after'] = String(retryAfter)
  if (body.status === 401) headers['www-authenticate'] = 'Bearer'
  return new Response(JSON.stringify(body), { status: body.status, headers })
}
