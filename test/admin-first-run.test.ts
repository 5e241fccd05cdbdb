import { afterAll, describe, expect, it } from 'vitest'
import { makeDirectory, sallyport, sallyportJson, serve } from './support/cli.ts'
import { password } from './support/login.ts'

const directory = makeDirectory()
const data = directory.path
afterAll(() => directory.remove())

const post = (url: string, path: string, body: object) =>
  fetch(`${url}${path}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
  })
const linkIn = (out: string) => /(http\S+)\/setup#token=(spt_[\w-]{43})/.exec(out)
const chosen = { email: 'first@example.org', password }

describe('the first run', () => {
  it('prints a link that makes the first administrator; a new start voids it', async () => {
    const first = await serve(['--data', data, '--port', '0'])
    const older = linkIn(first.out)!
    expect(older[1]).toBe(first.url)
    await first.stop()

    const { url, out, stop } = await serve(['--data', data, '--port', '0'])
    const [, , token] = linkIn(out)!
    expect(out).toContain(`curl -sS ${url}/auth/invitation/accept`)
    expect((await post(url, '/auth/invitation/accept', { token: older[2], ...chosen })).status).toBe(401)
    expect((await post(url, '/auth/invitation/accept', { token, ...chosen })).status).toBe(200)
    const login = (await (await post(url, '/auth/login', chosen)).json()) as { access_token: string }
    const headers = { authorization: `Bearer ${login.access_token}` }
    expect((await fetch(`${url}/api/admin/users`, { headers })).status).toBe(200)
    await stop()

    const third = await serve(['--data', data, '--port', '0'])
    expect(linkIn(third.out)).toBeNull()
    await third.stop()
  })
})

describe('breaking the glass', () => {
  it('asks for --yes, then removes the factors and prints a link', async () => {
    const words = ['user', 'recover', '--data', data, '--email', chosen.email]
    const asked = await sallyport(words)
    expect([asked.code, asked.err]).toEqual([1, expect.stringContaining('--yes')])
    const found = await sallyportJson<{ purpose: string; link: string; token: string }>([...words, '--yes'])
    expect(found).toMatchObject({ purpose: 'enrolment_link', link: expect.stringContaining(found.token) })
    const { url, stop } = await serve(['--data', data, '--port', '0'])
    const opened = await post(url, '/auth/enrolment-link/accept', { token: found.token, password })
    expect(await opened.json()).toMatchObject({ enrollment_required: true })
    await stop()
    const nobody = await sallyport([
      'user',
      'recover',
      '--data',
      data,
      '--email',
      'nobody@example.org',
      '--yes',
    ])
    expect([nobody.code, nobody.err]).toEqual([1, expect.stringContaining('not_found')])
  })
})
