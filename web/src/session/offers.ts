/** What this installation offers: the server writes it into the page, so that nothing is drawn twice. */
export type Offer = 'totp' | 'email' | 'backup' | 'yubikey' | 'webauthn' | 'passkey'

const words = document.querySelector<HTMLMetaElement>('meta[name=sallyport-offers]')?.content ?? ''

const offered = new Set(words.split(' '))

/** Keys belong to a domain: no browser takes one at an address of numbers, nor without TLS. */
const keysWorkHere = 'PublicKeyCredential' in window && !/^[\d.]+$|^\[/.test(location.hostname)

export function offers(what: Offer): boolean {
  return offered.has(what) && (keysWorkHere || (what !== 'webauthn' && what !== 'passkey'))
}
