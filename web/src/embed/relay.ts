import { ProblemError } from '@sallyport/sdk'

/** Calls the page's own server, which knows who is asking and adds the secret key. Rejects with what it said. */
export type Relay = <Answer>(path: string, body?: object) => Promise<Answer>

interface RelayOptions {
  endpoint: string
  headers: Readonly<Record<string, string>>
  signal: AbortSignal
}

export function createRelay({ endpoint, headers, signal }: RelayOptions): Relay {
  const base = endpoint.replace(/\/+$/, '')
  return async <Answer>(path: string, body?: object) => {
    const response = await fetch(`${base}/${path}`, {
      ...{ signal, credentials: 'include', cache: 'no-store' },
      headers: {
        accept: 'application/json',
        ...(body && { 'content-type': 'application/json' }),
        ...headers,
      },
      ...(body && { method: 'POST', body: JSON.stringify(body) }),
    }).catch((error: unknown) => {
      signal.throwIfAborted()
      throw new ProblemError(
        { status: 0, code: 'unreachable', detail: 'the server cannot be reached' },
        error,
      )
    })
    const answer: unknown = await response.json().catch(() => null)
    // A page of HTML in its place, such as that of a sign-in that has ended, is no yes.
    if (response.ok && typeof answer === 'object' && answer !== null) return answer as Answer
    throw refusalIn(response, response.ok ? null : answer)
  }
}

function refusalIn(response: Response, answer: unknown): ProblemError {
  const wait = Number(response.headers.get('retry-after') ?? Number.NaN)
  return new ProblemError({
    ...(wait > 0 && { retry_at: new Date(Date.now() + wait * 1_000).toISOString() }),
    ...{ detail: response.statusText, code: response.status === 429 ? 'too_many_attempts' : 'internal' },
    ...(typeof answer === 'object' && answer),
    status: response.status,
  })
}
