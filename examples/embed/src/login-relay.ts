import type { Answer, Sallyport } from './sallyport.ts'
import type { Attempt } from './sessions.ts'

interface Asked {
  method: string
  name: string
  body: Record<string, unknown>
  attempt: Attempt
  address: string
}

export type Relayed = { answer: Answer; done: boolean } | null

/**
 * The same element in front of Sallyport's own login, with its chains of several steps. The attempt's token and
 * the access token that it ends with stay on this server.
 */
export async function relayToLogin(
  sallyport: Sallyport,
  { method, name, body, attempt, address }: Asked,
): Promise<Relayed> {
  const temp_token = attempt.token
  if (method === 'GET' && name === 'status') {
    const { chain, methods, rememberDays: remember_days } = attempt
    return { answer: { status: 200, body: { chain, methods, remember_days }, retryAfter: null }, done: false }
  }
  if (method !== 'POST') return null
  if (name === 'challenge') {
    const path = body.method === 'webauthn' ? 'mfa/webauthn/options' : 'mfa/email/send'
    return { answer: await sallyport.login(path, { temp_token }, { address }), done: false }
  }
  if (name !== 'verify') return null
  const { code, response, method: by, remember_device } = body
  const proof = { temp_token, code, response, method: by, remember_device }
  const answer = await sallyport.login('mfa/verify', proof, { address })
  if (answer.body.chain !== undefined) attempt.chain = answer.body.chain
  const done = answer.status === 200 && answer.body.mfa_required === false
  if (!done) return { answer, done }
  // From here on this app's own session counts.
  await sallyport.login('logout', {}, { address, token: String(answer.body.access_token) })
  return { answer: { ...answer, body: { mfa_required: false } }, done }
}
