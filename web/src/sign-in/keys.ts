import type { Answer, Body } from '@sallyport/sdk'
import type { PublicKeyCredentialRequestOptionsJSON } from '@simplewebauthn/browser'

type Assertion = NonNullable<Body<'POST /auth/mfa/verify'>['response']>

/** What proves it: something typed, or what a key signed. */
export type Proof = { code: string } | { response: Assertion }

/** Loaded when a key is asked for the first time. */
const library = () => import('@simplewebauthn/browser')

/** Asks the browser for a key; `autofill` only offers those it has, in the field for the address. */
export async function askForKey(
  options: Answer<'POST /auth/mfa/webauthn/options'>,
  { autofill = false } = {},
): Promise<Assertion> {
  const { startAuthentication } = await library()
  const optionsJSON = options as PublicKeyCredentialRequestOptionsJSON
  const made = await startAuthentication({ optionsJSON, useBrowserAutofill: autofill })
  return { ...made, response: { ...made.response } }
}

/** Has the browser make a new key. */
export async function makeKey(options: Answer<'POST /auth/mfa/enroll/webauthn/options'>) {
  const { startRegistration } = await library()
  type Options = Parameters<typeof startRegistration>[0]['optionsJSON']
  const made = await startRegistration({ optionsJSON: options as Options })
  return { ...made, response: { ...made.response } }
}

export async function knowsAutofill(): Promise<boolean> {
  return (await library()).browserSupportsWebAuthnAutofill()
}

/** Takes a question to the browser back, if there is one. */
export async function stopAsking(): Promise<void> {
  const { WebAuthnAbortService } = await library()
  WebAuthnAbortService.cancelCeremony()
}

/** Another question to the browser takes the place of the one before, which nobody needs to hear of. */
export const isSuperseded = (error: unknown) => error instanceof Error && error.name === 'AbortError'

export const isNotTaken = (error: unknown) => error instanceof Error && error.name === 'NotAllowedError'
