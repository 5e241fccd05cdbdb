/** Whether this browser can use a passkey or security key here: https only, and from 2024 or newer. */
export function knowsKeys(): boolean {
  return typeof PublicKeyCredential === 'function' && 'parseRequestOptionsFromJSON' in PublicKeyCredential
}

export async function askForKey(options: object, signal: AbortSignal): Promise<object> {
  const publicKey = PublicKeyCredential.parseRequestOptionsFromJSON(
    options as PublicKeyCredentialRequestOptionsJSON,
  )
  return made(await navigator.credentials.get({ publicKey, signal }))
}

export async function makeKey(options: object, signal: AbortSignal): Promise<object> {
  const publicKey = PublicKeyCredential.parseCreationOptionsFromJSON(
    options as PublicKeyCredentialCreationOptionsJSON,
  )
  return made(await navigator.credentials.create({ publicKey, signal }))
}

function made(credential: Credential | null): object {
  if (credential instanceof PublicKeyCredential) return credential.toJSON() as object
  throw new DOMException('the browser answered with no key', 'NotAllowedError')
}
