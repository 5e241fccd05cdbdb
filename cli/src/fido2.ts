import { isIP } from 'node:net'
import { type RelyingParty, SallyportError } from '@sallyport/core'
import { z } from 'zod'

const domain = /^(?:[a-z0-9](?:[a-z0-9-]*[a-z0-9])?\.)*[a-z0-9](?:[a-z0-9-]*[a-z0-9])?$/
const aaguid = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/

/** The keys of `security.mfa.fido2`, but for `enabled`. */
export const fido2Fields = {
  rp_id: z.string().refine(isDomain, 'must be a domain, in small letters').optional(),
  rp_name: z.string().min(1).max(64).optional(),
  origins: z
    .array(z.string().refine(isOrigin, 'must be an origin such as https://login.example.org'))
    .min(1)
    .max(50)
    .optional(),
  user_verification: z.enum(['required', 'preferred', 'discouraged']).default('preferred'),
  attestation: z.enum(['none', 'direct']).default('none'),
  aaguids: z.array(z.string().regex(aaguid, 'must be an AAGUID in small letters')).max(1_000).default([]),
}

interface Settings {
  rp_id?: string | undefined
  rp_name?: string | undefined
  origins?: string[] | undefined
  attestation: 'none' | 'direct'
  aaguids: readonly string[]
  issuer: string
  publicUrl: string
}

/**
 * The domain that keys are registered for, and the pages that may ask; what is left out comes from the
 * address that people use. `null` when that is an address of numbers, which browsers register nothing for.
 */
export function relyingPartyOf(settings: Settings): RelyingParty | null {
  const { rp_id: rpId, rp_name: name = settings.issuer, origins, publicUrl } = settings
  if (settings.aaguids.length > 0 && settings.attestation !== 'direct') {
    throw fault('aaguids', 'needs attestation: direct, or the key says nothing of its model')
  }
  const url = new URL(publicUrl)
  // A browser on this machine reaches a loopback address by this name, and only by name registers keys.
  if (['127.0.0.1', '[::1]'].includes(url.hostname)) url.hostname = 'localhost'
  const id = rpId ?? url.hostname
  if (isIP(id.replace(/^\[|\]$/g, '')) !== 0) return null
  const pages = origins ?? [url.origin]
  for (const page of pages) {
    const { hostname, protocol } = new URL(page)
    if (hostname !== id && !hostname.endsWith(`.${id}`)) {
      throw fault(origins ? 'origins' : 'rp_id', `${page} is no page of ${id}: keys are not for it`)
    }
    const safe = protocol === 'https:' || hostname === 'localhost' || hostname.endsWith('.localhost')
    if (!safe && origins) throw fault('origins', `${page}: browsers use keys on https only`)
  }
  return { id, name, origins: pages }
}

export function isDomain(text: string): boolean {
  return text.length <= 253 && domain.test(text)
}

export function isOrigin(text: string): boolean {
  return URL.canParse(text) && new URL(text).origin === text && /^https?:/.test(text)
}

function fault(key: string, message: string): SallyportError {
  const path = `security.mfa.fido2.${key}`
  return new SallyportError('config_invalid', `${path}: ${message}`, { faults: [{ path, message }] })
}
