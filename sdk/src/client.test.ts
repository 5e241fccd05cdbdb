import { describe, expect, it } from 'vitest'
import { createClient } from './client.ts'
import { ProblemError } from './problem-error.ts'

/** A server that answers the same to everything, and what it was asked. */
function answering(status: number, body: unknown) {
  const asked: { url: string; init: RequestInit }[] = []
  const answer = async (url: unknown, init?: RequestInit) => {
    asked.push({ url: String(url), init: init ?? {} })
    return Response.json(body, { status })
  }
  return { asked, fetch: answer as typeof fetch }
}

describe('a call', () => {
  it('goes where its name says, with its parts in their places', async () => {
    const { asked, fetch } = answering(200, { success: true, message: '' })
    const client = createClient({ baseUrl: 'http://here', token: () => 'spk_1', fetch })
    await client.call('DELETE /auth/mfa/factors/:id', { params: { id: 'a/b c' } })
    await client.call('GET /api/admin/users', { query: { limit: 5, after: 'x&y' } })
    await client.call('POST /auth/logout')
    expect(asked.map(({ url, init }) => [init.method, url, init.body])).toEqual([
      ['DELETE', 'http://here/auth/mfa/factors/a%2Fb%20c', '{}'],
      ['GET', 'http://here/api/admin/users?limit=5&after=x%26y', undefined],
      ['POST', 'http://here/auth/logout', '{}'],
    ])
    expect(asked[0]!.init.headers).toMatchObject({ authorization: 'Bearer spk_1' })
  })

  it('sends no authorization where the cookie is what counts', async () => {
    const { asked, fetch } = answering(200, {})
    await createClient({ fetch }).call('GET /auth/me')
    expect(asked[0]!.init.headers).not.toHaveProperty('authorization')
  })

  it('rejects with what the server said', async () => {
    const problem = { status: 401, code: 'invalid_code', detail: 'not right', attempts_left: 3 }
    const { fetch } = answering(401, { ...problem, retry_at: '2026-01-01T00:00:00.000Z' })
    const body = { temp_token: 't', code: '123456' }
    const error = await createClient({ fetch })
      .call('POST /auth/mfa/verify', { body })
      .catch((error: unknown) => error)
    expect(error).toBeInstanceOf(ProblemError)
    expect(error).toMatchObject({ status: 401, code: 'invalid_code', attemptsLeft: 3, message: 'not right' })
    expect((error as ProblemError).retryAt?.getUTCFullYear()).toBe(2026)
  })

  it.each([
    ['no JSON', async () => new Response('<html>', { status: 502 }), { status: 502, code: 'internal' }],
    ['no answer', () => Promise.reject(new TypeError('refused')), { status: 0, code: 'unreachable' }],
  ])('rejects with a problem where there is %s', async (_, fetch, expected) => {
    const client = createClient({ fetch: fetch as typeof globalThis.fetch })
    await expect(client.call('GET /healthz')).rejects.toMatchObject(expected)
  })
})
