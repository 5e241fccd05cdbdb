/** What this installation offers: the server writes it into the page, so that nothing is drawn twice. */
export type Offer = 'totp' | 'email' | 'backup' | 'yubikey' | 'webauthn' | 'passkey'

const words = document.querySelector<HTMLMetaElement>('meta[name=sallyport-offers]')?.content ?? ''

const offered = new Set(words.split(' '))

export const offers = (what: Offer) => offered.has(what)
