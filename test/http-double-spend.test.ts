import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { codeOf } from './support/harness.ts'
import { emailOf, type PopulatedServer, startPopulatedServer } from './support/populated-server.ts'

const many = 64

let server: PopulatedServer
let dora: { secret: Uint8Array; backupCodes: string[] }
beforeAll(async () => {
  server = await startPopulatedServer()
  dora = await server.enrol((await server.signIn('dora')).access)
})
afterAll(() => server?.stop())

const verify = (temp_token: string, code: string) =>
  server.call('POST', '/auth/mfa/verify', { body: { temp_token, code } })

/** That many calls at once; how many were answered 200, and with what the others were refused. */
async function atOnce(action: (index: number) => Promise<{ status: number; body: { code?: string } }>) {
  const answers = await Promise.all(Array.from({ length: many }, (_, index) => action(index)))
  const refusals = answers.filter(({ status }) => status !== 200).map(({ body }) => body.code)
  return { won: many - refusals.length, refusals: [...new Set(refusals)].sort() }
}

async function pendingTokens(name: string): Promise<string[]> {
  const tokens: string[] = []
  // One after another: the queue for password hashes turns a crowd away.
  while (tokens.length < many) tokens.push(await server.pendingToken(name))
  return tokens
}

describe(`of ${many} at once one wins`, () => {
  it('with one authenticator code on as many attempts', async () => {
    const tokens = await pendingTokens('phone')
    const code = codeOf(server.phone.secret, Date.now())
    const { won, refusals } = await atOnce((index) => verify(tokens[index]!, code))
    expect(won).toBe(1)
    expect(refusals).toEqual(['invalid_code'])
  })

  it('with one backup code on as many attempts', async () => {
    const tokens = await pendingTokens('dora')
    const { won, refusals } = await atOnce((index) => verify(tokens[index]!, dora.backupCodes[0]!))
    expect(won).toBe(1)
    expect(refusals).toEqual(['invalid_code'])
  })

  it('with one temp_token and its right code', async () => {
    const token = await server.pendingToken('phone')
    const code = codeOf(server.phone.secret, Date.now() + 30_000)
    const { won, refusals } = await atOnce(() => verify(token, code))
    expect(won).toBe(1)
    for (const refusal of refusals) expect(['invalid_code', 'invalid_token']).toContain(refusal)
    expect((await verify(token, code)).body.code).toBe('invalid_token')
  })

  it('with one refresh token, whose other uses end the session', async () => {
    const { refresh } = await server.signIn('bob')
    const body = { refresh_token: refresh }
    const fresh: string[] = []
    const { won, refusals } = await atOnce(async () => {
      const answer = await server.call('POST', '/auth/refresh', { body })
      if (answer.status === 200) fresh.push(answer.body.access_token)
      return answer
    })
    expect({ won, refusals }).toEqual({ won: 1, refusals: ['invalid_token'] })
    expect((await server.call('GET', '/auth/me', { token: fresh[0]! })).status).toBe(401)
  })

  it('with one token to reset a password', async () => {
    const asked = await server.call('POST', '/auth/password/reset/request', {
      body: { email: emailOf('bob') },
    })
    expect(asked.status).toBe(200)
    const token = await mailedToken()
    const { won, refusals } = await atOnce((index) => {
      const body = { token, new_password: `a new password of mine ${index}` }
      return server.call('POST', '/auth/password/reset/confirm', { body })
    })
    expect(won).toBe(1)
    for (const refusal of refusals) expect(['busy', 'invalid_token']).toContain(refusal)
    const again = { token, new_password: 'another password of mine' }
    expect((await server.call('POST', '/auth/password/reset/confirm', { body: again })).status).toBe(401)
  })
})

async function mailedToken(): Promise<string> {
  return expect
    .poll(() => /#token=(spt_[\w-]+)/.exec(server.printed())?.[1], { timeout: 10_000 })
    .toBeDefined()
    .then(() => /#token=(spt_[\w-]+)/.exec(server.printed())![1]!)
}
