import { createHash, getFips, setFips } from 'node:crypto'
import { SallyportError } from '@sallyport/core'

/** Turns on OpenSSL's FIPS provider for this process, or throws: never a silent fallback. */
export function requireFips(): void {
  const before = fipsInForce()
  try {
    setFips(true)
    // Node says yes even where there is no such provider, and then every algorithm is missing.
    createHash('sha256')
    if (fipsInForce() && !knowsMd5()) return
  } catch {
    // Without the provider; said below.
  }
  setFips(before)
  throw new SallyportError(
    'fips_unavailable',
    "fips is required, but OpenSSL's FIPS provider does not work here: " +
      'install and configure it for the OpenSSL of this Node, or set fips to off',
  )
}

export function fipsInForce(): boolean {
  return getFips() === 1
}

/** MD5 is not approved: a provider that offers it is not the FIPS one. */
function knowsMd5(): boolean {
  try {
    createHash('md5')
    return true
  } catch {
    return false
  }
}
