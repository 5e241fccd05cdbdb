import type { RelyingParty } from '../factors/webauthn.ts'
import type { Store } from '../store.ts'
import { loginApplication } from '../subject/subjects.ts'

/**
 * Whose credentials an application's subjects have: by its own record, and where that says nothing by the
 * installation's configuration. `own` is null where the configuration names no domain that could be one.
 */
export function createRelyingParties(options: { store: Store; own: RelyingParty | null }) {
  const { store, own } = options
  return async (application: string): Promise<RelyingParty | null> => {
    if (application === loginApplication) return own
    const record = await store.read((tx) => tx.applications.find(application))
    if (!record || record.rpId === null) return own && { ...own, name: record?.issuer ?? own.name }
    const origins = record.origins.length > 0 ? record.origins : [`https://${record.rpId}`]
    return { id: record.rpId, name: record.issuer, origins }
  }
}
