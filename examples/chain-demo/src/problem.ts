/** Every code that this app answers, and its status: RFC 9457, with a stable `code`. */
const problems = {
  invalid_input: [400, 'Invalid input'],
  chain_reset: [401, 'The attempt was reset to its first step'],
  not_found: [404, 'Not found'],
  chain_breached: [409, 'Another factor is expected'],
  chain_complete: [409, 'The attempt is complete'],
  not_enrolled: [409, 'A factor is not enrolled'],
  no_fresh_code: [409, 'No unused code passes at this moment'],
  payload_too_large: [413, 'The request body is too large'],
  internal: [500, 'Something went wrong'],
} as const satisfies Record<string, readonly [status: number, title: string]>

export type ProblemCode = keyof typeof problems

/** `more`: members beside those of RFC 9457 that tell a program what to do next. */
export function problem(code: ProblemCode, detail: string, more: Record<string, unknown> = {}): Response {
  const [status, title] = problems[code]
  return new Response(JSON.stringify({ type: 'about:blank', title, status, code, detail, ...more }), {
    status,
    headers: { 'content-type': 'application/problem+json' },
  })
}
