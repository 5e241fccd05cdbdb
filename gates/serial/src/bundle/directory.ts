import type { KeyObject } from 'node:crypto'
import { type Clock, namedSecret, type Random, type Store, type Tx, type Vault } from '@sallyport/core'
import type { Alerts } from '../evidence/alerts.ts'
import { loadX25519Private, newX25519Bytes } from '../x25519.ts'
import {
  type BundledTechnician,
  type BundleHeader,
  type BundleRead,
  openBundle,
  readSignedBundle,
  type SignedBundle,
} from './bundle.ts'
import { readBundleFile, stampOf } from './bundle-file.ts'

/** The bundle that was accepted last, whole: it holds until it expires, whatever becomes of the file. */
const acceptedBundle = 'shim.bundle'
const day = 86_400_000

/** Where bundles come from, and what proves them. */
export interface DirectorySource {
  bundle: string
  publicKey: KeyObject
  /** Opens what is sealed to this gate. */
  privateKey: KeyObject
}

export interface OpenedBundle extends BundleHeader {
  digest: string
  technicians: readonly BundledTechnician[]
}

export interface DirectoryStatus {
  state: 'none' | 'early' | 'valid' | 'expiring' | 'expired'
  serial: number | null
  issued: string | null
  expires: string | null
  /** Why the file that lies there now is not used. */
  refused: string | null
}

export interface Directory {
  /** Takes the file in if it changed and is newer. Only while the clock is to be trusted. */
  look(): Promise<void>
  /** What was accepted last, and whether it still holds. */
  current(): OpenedBundle | null
  holds(): boolean
  status(): DirectoryStatus
}

export interface DirectoryParts {
  source: DirectorySource
  device: string
  store: Store
  clock: Clock
  alerts: Pick<Alerts, 'raise'>
}

/** The gate's own key for bundles, made when it is first asked for, sealed by its vault. */
export async function openBundleKey(parts: {
  store: Store
  vault: Vault
  random: Random
}): Promise<KeyObject> {
  const make = () => newX25519Bytes(parts.random)
  return loadX25519Private(await namedSecret({ ...parts, name: 'shim.bundle_key', make }))
}

/** The file as it lies there, all but its times and its place in the row. */
export async function readBundle(
  source: DirectorySource,
  device: string,
): Promise<BundleRead<{ text: string; bundle: OpenedBundle }>> {
  const file = await readBundleFile(source.bundle)
  if (file.status === 'refused') return file
  const opened = openText(file.value, source, device)
  return opened.status === 'refused'
    ? opened
    : { status: 'good', value: { text: file.value, bundle: opened.value } }
}

function openText(text: string, source: DirectorySource, device: string): BundleRead<OpenedBundle> {
  const read = readSignedBundle(text, source.publicKey)
  if (read.status === 'refused') return read
  const people = openBundle(read.value, { device, privateKey: source.privateKey })
  if (people.status === 'refused') return people
  const { sealed: _, bound: __, ...header }: SignedBundle = read.value
  return { status: 'good', value: { ...header, technicians: people.value } }
}

/** Why a bundle cannot be taken in at this time, after the one that was accepted before it. */
export function untimely(
  bundle: OpenedBundle,
  { now, accepted }: { now: number; accepted: { serial: number; digest: string } | null },
): string | null {
  const { serial, digest, not_before: from, expires } = bundle
  if (accepted && serial === accepted.serial && digest !== accepted.digest)
    return `is another bundle with serial ${serial}, which was accepted already`
  if (accepted && serial < accepted.serial)
    return `is older (serial ${serial}) than the one that was accepted (serial ${accepted.serial})`
  if (now >= expires) return `expired at ${iso(expires)}: put a new one there`
  if (now < from) return `is not valid before ${iso(from)}`
  return null
}

/** Which bundle was accepted last; the rest of it only where it is needed. */
export async function acceptedBefore(
  tx: Tx,
): Promise<{ serial: number; digest: string; text: string } | null> {
  const kept = await tx.settings.find(acceptedBundle)
  return kept === null ? null : JSON.parse(kept)
}

export async function createDirectory(parts: DirectoryParts): Promise<Directory> {
  const { source, device, store, clock, alerts } = parts
  const path = source.bundle
  let inForce: OpenedBundle | null = null
  let seen: string | null = null
  let refused: string | null = null
  const told = new Map<string, string>()

  const kept = await store.read(acceptedBefore)
  // One that another key signed, or that was made for another device, is not in force any more.
  const opened = kept === null ? null : openText(kept.text, source, device)
  if (opened?.status === 'good') inForce = opened.value

  const holds = () => inForce !== null && ['valid', 'expiring'].includes(stateOf(inForce, clock.now()))

  /** Once for each bundle, or for each way in which a file is unfit, while the gate runs. */
  async function tell(kind: 'bundle-refused' | 'bundle-expired' | 'bundle-expiring', why: object) {
    const data = { path, ...why }
    const mark = JSON.stringify(data)
    if (told.get(kind) === mark) return
    told.set(kind, mark)
    await alerts.raise(kind, data)
  }

  async function takeIn(): Promise<string | null> {
    const read = await readBundle(source, device)
    if (read.status === 'refused') return read.reason
    const { text, bundle } = read.value
    if (bundle.digest === inForce?.digest) return null
    const { serial, digest } = bundle
    const now = clock.now()
    const unfit = await store.transaction(async (tx) => {
      const before = await acceptedBefore(tx)
      const reason = untimely(bundle, { now, accepted: before })
      if (reason !== null) return reason
      await tx.settings.put(acceptedBundle, JSON.stringify({ serial, digest, text }))
      const data = { serial, digest, technicians: bundle.technicians.length, ...times(bundle) }
      tx.ledger.append({ type: 'bundle.accepted', at: now, gate: 'serial', data })
      return null
    })
    if (unfit === null) inForce = bundle
    return unfit
  }

  return {
    async look() {
      const stamp = await stampOf(path)
      // One that only waits for its time is looked at again.
      if (stamp === null || stamp !== seen || refused?.startsWith('is not valid before')) {
        refused = await takeIn()
        seen = stamp
        if (refused === null) told.delete('bundle-refused')
        else await tell('bundle-refused', { reason: refused })
      }
      if (inForce === null) return
      const facts = { serial: inForce.serial, ...times(inForce) }
      const state = stateOf(inForce, clock.now())
      if (state === 'expired' || state === 'expiring') await tell(`bundle-${state}`, facts)
    },

    current: () => inForce,
    holds,

    status() {
      if (inForce === null) return { state: 'none', serial: null, issued: null, expires: null, refused }
      return { state: stateOf(inForce, clock.now()), serial: inForce.serial, ...times(inForce), refused }
    },
  }
}

/** `expiring`: in its last quarter, but never more than a week before. */
export function stateOf(bundle: BundleHeader, now: number): 'early' | 'valid' | 'expiring' | 'expired' {
  const { issued_at: issued, not_before: from, expires } = bundle
  if (now >= expires) return 'expired'
  if (now < from) return 'early'
  return expires - now <= Math.min(7 * day, (expires - issued) / 4) ? 'expiring' : 'valid'
}

function times({ issued_at: issued, expires }: BundleHeader): { issued: string; expires: string } {
  return { issued: iso(issued), expires: iso(expires) }
}

function iso(at: number): string {
  return new Date(at).toISOString()
}
