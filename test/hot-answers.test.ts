import { afterAll, beforeAll, expect, it } from 'vitest'
import { type PopulatedServer, startPopulatedServer } from './support/populated-server.ts'

let server: PopulatedServer

beforeAll(async () => {
  server = await startPopulatedServer()
})
afterAll(() => server.stop())

const me = (token: string, path = '/auth/me') => server.call('GET', path, { token })

function headersOf(answer: Awaited<ReturnType<typeof me>>): Record<string, string> {
  const { date, ...headers } = Object.fromEntries(answer.headers)
  return headers
}

it('says again, word for word, what the framework said', async () => {
  const { access } = await server.signIn('bob')
  const first = await me(access)
  const again = await me(access)
  // A query keeps a call off the shorter way.
  const byFramework = await me(access, '/auth/me?')
  expect(first.status).toBe(200)
  expect(again.text).toBe(first.text)
  expect(headersOf(again)).toEqual(headersOf(first))
  expect(headersOf(again)).toEqual(headersOf(byFramework))
  expect(again.headers.get('cache-control')).toBe('no-store')
})

it('says each person what is theirs', async () => {
  const [bob, ada] = [await server.signIn('bob'), await server.signIn('ada')]
  for (const { access, userId } of [bob, ada, bob, ada, bob]) {
    expect((await me(access)).body.user_id).toBe(userId)
  }
})

it('counts what it answers', async () => {
  const { access } = await server.signIn('bob')
  const counted = async () => {
    const { text } = await server.call('GET', '/metrics')
    return Number(
      /^sallyport_http_request_duration_seconds_count\{.*method="GET",status="200".*\} (\d+)$/m.exec(
        text,
      )?.[1] ?? 0,
    )
  }
  await me(access)
  const before = await counted()
  for (let i = 0; i < 5; i++) await me(access)
  // Five, and the reading of the first count.
  expect((await counted()) - before).toBe(6)
})

it('has nothing to say once the session is over', async () => {
  const { access } = await server.signIn('bob')
  await me(access)
  await me(access)
  await server.call('POST', '/auth/logout', { token: access, body: {} })
  expect((await me(access)).status).toBe(401)
})

it('leaves other methods, and sessions that may only enrol, to the framework', async () => {
  const { access } = await server.signIn('bob')
  await me(access)
  expect((await server.call('POST', '/auth/me', { token: access })).status).toBe(405)
  const enrolling = await server.enrolmentToken()
  for (let i = 0; i < 2; i++) expect((await me(enrolling)).status).toBe(403)
})
