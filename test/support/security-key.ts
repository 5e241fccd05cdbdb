import {
  AuthenticatorEmulator,
  PasskeysCredentialsMemoryRepository,
  WebAuthnEmulator,
} from 'nid-webauthn-emulator'

// biome-ignore lint/suspicious/noExplicitAny: what goes to a browser and comes from it, as tests change it
type Json = any

export interface SecurityKey {
  create(options: Json, origin?: string): Json
  get(options: Json, origin?: string): Json
  holds(credentialId: string): boolean
  /** Another key with the same secrets, and the count as it is now. */
  copy(): SecurityKey
}

/** A security key with the browser around it, in process. `counts: false` always sends 0. */
export function makeSecurityKey(
  options: { origin?: string; counts?: boolean; verifies?: boolean } = {},
  credentials = new PasskeysCredentialsMemoryRepository(),
): SecurityKey {
  const { origin: home = 'http://localhost:8080', counts = true, verifies = true } = options
  const authenticator = new AuthenticatorEmulator({
    signCounterIncrement: counts ? 1 : 0,
    userGetAssertionInteraction: () => ({ options: { uv: verifies, up: true } }),
    credentialsRepository: credentials,
  })
  const browser = new WebAuthnEmulator(authenticator)
  return {
    create: (asked, origin = home) => browser.createJSON(origin, asked),
    get: (asked, origin = home) => browser.getJSON(origin, asked),
    holds: (id) =>
      credentials
        .loadCredentials()
        .some(
          ({ publicKeyCredentialSource: { id: held } }) =>
            Buffer.from(held as Uint8Array).toString('base64url') === id,
        ),
    copy() {
      const copies = new PasskeysCredentialsMemoryRepository()
      for (const credential of credentials.loadCredentials()) copies.saveCredential(credential)
      return makeSecurityKey(options, copies)
    },
  }
}
