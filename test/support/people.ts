import { execFileSync } from 'node:child_process'
import { setTimeout as sleep } from 'node:timers/promises'

export interface Answer {
  status: number
  headers: Headers
  // biome-ignore lint/suspicious/noExplicitAny: what came over the wire is what the tests look at
  body: any
  /** Which of the addresses answered. */
  url: string
}

export interface CallOptions {
  token?: string | undefined
  headers?: Record<string, string>
  body?: unknown
  /** A certain node; left out, any. */
  url?: string
}

export type Caller = (method: string, path: string, options?: CallOptions) => Promise<Answer>

/** Calls as any client makes them, each to the address that `pick` answers. */
export function callerOf(pick: () => string): Caller {
  return async (method, path, { token, headers, body, url = pick() } = {}) => {
    const response = await fetch(url + path, {
      method,
      headers: {
        ...(token !== undefined && { authorization: `Bearer ${token}` }),
        ...(body !== undefined && { 'content-type': 'application/json' }),
        ...headers,
      },
      ...(body !== undefined && { body: typeof body === 'string' ? body : JSON.stringify(body) }),
    })
    const text = await response.text()
    const isJson = /json\b/.test(response.headers.get('content-type') ?? '')
    return { status: response.status, headers: response.headers, body: isJson ? JSON.parse(text) : text, url }
  }
}

/** An authenticator on a phone, on the real clock; its codes are made by oathtool, which knows nothing of ours. */
export function makePhone(
  secret: string,
  { period = 30, window = 1, digits = 6 }: { period?: number; window?: number; digits?: number } = {},
) {
  let last = Number.NEGATIVE_INFINITY
  const stepNow = () => Math.floor(Date.now() / 1_000 / period)

  function codeOf(step: number): string {
    const now = new Date(step * period * 1_000).toISOString().replace(/^(.*)T(.*)\..*$/, '$1 $2 UTC')
    const words = [
      '--totp',
      '--base32',
      `--time-step-size=${period}s`,
      `--digits=${digits}`,
      '--now',
      now,
      secret,
    ]
    return execFileSync('oathtool', words, { encoding: 'utf8' }).trim()
  }

  return {
    /** The next code that was not used yet: it may lie a step behind the clock or ahead of it, as is allowed. */
    async code(): Promise<string> {
      // A step that ends within a second may be out of the window by the time it arrives.
      const oldest = Math.floor(Date.now() / 1_000 / period + 1 / period) - window
      last = Math.max(last + 1, oldest)
      while (last > stepNow() + window) await sleep(200)
      return codeOf(last)
    },
    /** Well-formed, and none of the window's. */
    wrong(): string {
      const near = Array.from({ length: 2 * window + 3 }, (_, index) =>
        codeOf(stepNow() + index - window - 1),
      )
      return ['000000', '111111', '222222', '333333'].find((code) => !near.includes(code))!
    },
  }
}

export type Phone = ReturnType<typeof makePhone>
