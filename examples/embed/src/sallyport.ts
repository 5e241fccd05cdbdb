export interface Answer {
  status: number
  body: Record<string, unknown>
  retryAfter: string | null
  /** What Sallyport's login knows a trusted browser by: a cookie, as `name=value`. */
  device?: string | undefined
}

interface From {
  address: string
  token?: string
  device?: string | undefined
}

/** Sallyport as this app's server calls it: with its key where it speaks for its own users, else without. */
export interface Sallyport {
  service(method: string, path: string, body?: object): Promise<Answer>
  login(path: string, body: object, from: From): Promise<Answer>
}

export function createSallyport({ url, key }: { url: string; key: string }): Sallyport {
  async function call(path: string, init: RequestInit): Promise<Answer> {
    // Confirming the first factor hashes ten backup codes, slowly on purpose.
    const response = await fetch(new URL(path, url), { ...init, signal: AbortSignal.timeout(30_000) })
    const body = (await response.json()) as Record<string, unknown>
    // Faults of this app or of Sallyport, never of the user: nobody is let in.
    const ours = ['invalid_api_key', 'forbidden', 'invalid_input'].includes(String(body.code))
    if (ours || response.status >= 500) throw new Error(`Sallyport: ${response.status} ${body.code}`)
    const [device] = response.headers.getSetCookie().flatMap((cookie) => {
      return /^(?:__Host-)?sallyport-device=[^;]+/.exec(cookie)?.[0] ?? []
    })
    return { status: response.status, body, retryAfter: response.headers.get('retry-after'), device }
  }

  const json = { 'content-type': 'application/json' }
  return {
    service: (method, path, body) =>
      call(`/api/mfa/${path}`, {
        method,
        headers: { ...json, authorization: `Bearer ${key}` },
        ...(body && { body: JSON.stringify(body) }),
      }),
    // Sallyport believes the address where its `trusted_proxies` name this server.
    login: (path, body, { address, token, device }) =>
      call(`/auth/${path}`, {
        method: 'POST',
        headers: {
          ...json,
          'x-forwarded-for': address,
          ...(token !== undefined && { authorization: `Bearer ${token}` }),
          ...(device !== undefined && { cookie: device }),
        },
        body: JSON.stringify(body),
      }),
  }
}
