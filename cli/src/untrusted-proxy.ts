import type { Sallyport } from './sallyport.ts'

const setting = 'proxy.untrusted_loopback_seen'

export const untrustedProxyAdvice =
  'requests with forwarding headers come from loopback, which is not among trusted_proxies: everybody seems to come from there, and nobody there is ever blocked'

/** When forwarding headers last came from a loopback proxy that is not trusted; `null` where none did, or it is now. */
export async function untrustedProxySeen({ store, config }: Pick<Sallyport, 'store' | 'config'>) {
  if (config.trusted_proxies.length > 0) return null
  return store.read((tx) => tx.settings.find(setting))
}

/** What the gate tells of it: written down and logged once a process, on no request's time. */
export function createUntrustedProxyNote(
  { store, clock }: Pick<Sallyport, 'store' | 'clock'>,
  log: { warn(facts: object, message: string): void },
): (address: string) => void {
  let told = false
  return (address) => {
    if (told) return
    told = true
    log.warn({ address }, untrustedProxyAdvice)
    const seen = new Date(clock.now()).toISOString()
    store.transaction((tx) => tx.settings.put(setting, seen)).catch(() => (told = false))
  }
}
