import type { Answer, Sallyport } from './sallyport.ts'
import type { Session } from './sessions.ts'

/**
 * What the page may ask of the service API through this server. Only the fields named here are passed on: who
 * it is about and where they come from this server says itself, and an e-mail address is none of the page's.
 */
const calls: Readonly<Record<string, { method: string; takes: readonly string[]; half?: boolean }>> = {
  status: { method: 'GET', takes: [], half: true },
  verify: { method: 'POST', takes: ['code', 'response', 'method'], half: true },
  challenge: { method: 'POST', takes: ['method'], half: true },
  enroll: { method: 'POST', takes: [] },
  'verify-enrollment': { method: 'POST', takes: ['code'] },
  'enroll-fido2': { method: 'POST', takes: ['device_name', 'response'] },
  'enroll-yubikey': { method: 'POST', takes: ['otp', 'device_name'] },
}

interface Asked {
  method: string
  name: string
  body: Record<string, unknown>
  session: Session
  address: string
}

/** Passes a call of the element on, with the key and the user's name added; `null` where it is not open. */
export async function relayToService(
  sallyport: Sallyport,
  { method, name, body, session, address }: Asked,
): Promise<Answer | null> {
  const call = Object.hasOwn(calls, name) ? calls[name]! : null
  if (call?.method !== method || (session.kind === 'half' && !call.half)) return null
  const extension = session.user
  if (name === 'status') {
    const answer = await sallyport.service('GET', `status/${encodeURIComponent(extension)}`)
    const { methods, digits } = answer.body as { methods: string[]; digits?: number[] }
    // This app has an address of everybody, and has made sure that it is theirs.
    const all = methods.length > 0 ? [...methods, 'email'] : []
    return { ...answer, body: { methods: all, digits } }
  }
  const asked = Object.fromEntries(Object.entries(body).filter(([field]) => call.takes.includes(field)))
  const added = {
    extension,
    ...(name === 'enroll' && { account_name: extension, email: `${extension}@example.org` }),
    ...(name === 'verify' && { client_ip: address }),
  }
  return sallyport.service('POST', name, { ...asked, ...added })
}
