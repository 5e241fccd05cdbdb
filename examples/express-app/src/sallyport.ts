/** What this app needs of Sallyport's service API, and nothing more. */
export interface Sallyport {
  /** Whether this user has a factor. Throws when Sallyport cannot be asked: then nobody is let in. */
  isEnrolled(user: string): Promise<boolean>
  enrol(user: string, accountName: string): Promise<Answer>
  confirm(user: string, code: unknown): Promise<Answer>
  verify(user: string, code: unknown, clientIp: string | undefined): Promise<Answer>
}

export interface Answer {
  status: number
  body: Record<string, unknown>
}

export function createSallyport({ url, key }: { url: string; key: string }): Sallyport {
  async function call(path: string, body?: object): Promise<Answer> {
    const response = await fetch(new URL(`/api/mfa/${path}`, url), {
      method: body ? 'POST' : 'GET',
      headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json' },
      ...(body && { body: JSON.stringify(body) }),
      signal: AbortSignal.timeout(10_000),
    })
    const answer = { status: response.status, body: (await response.json()) as Record<string, unknown> }
    // A wrong code is 401 as well; these are faults of this app or of Sallyport, never of the user.
    const ours = ['invalid_api_key', 'forbidden'].includes(String(answer.body.code))
    if (ours || answer.status >= 500) throw new Error(`Sallyport: ${answer.status} ${answer.body.code}`)
    return answer
  }

  return {
    async isEnrolled(user) {
      const { status, body } = await call(`status/${encodeURIComponent(user)}`)
      if (status !== 200) throw new Error(`Sallyport: ${status} ${body.code}`)
      return body.enabled !== false
    },
    enrol: (user, accountName) => call('enroll', { subject: user, account_name: accountName }),
    confirm: (user, code) => call('verify-enrollment', { subject: user, code }),
    verify: (user, code, clientIp) =>
      call('verify', { subject: user, code, ...(clientIp !== undefined && { client_ip: clientIp }) }),
  }
}
