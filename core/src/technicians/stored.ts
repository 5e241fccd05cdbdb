import type { Resealable, SealedSecret } from '../store.ts'

/** A serial gate that bundles of technicians are made for. */
export interface BundleDevice {
  id: string
  /** What its bundles are sealed to. A gate with another key is another gate. */
  publicKey: string
  /** Of the bundle that was made last. */
  serial: number
  issuedAt: number
}

/** What one technician has at one gate, and nowhere else. */
export interface BundleSecret {
  id: string
  device: string
  /** Canonical (see `canonicalAlias`). */
  technician: string
  factor: 'totp' | 'backup'
  /** Sealed for `gate <device>`, with `<factor> of <technician>` as purpose. */
  sealed: SealedSecret
  createdAt: number
}

export interface BundlePort extends Resealable {
  findDevice(id: string): Promise<BundleDevice | null>
  /**
   * Takes the next serial, above all before it and at least `atLeast`, and remembers a gate that was not known.
   * `null` for one that is known with another key. Its row stays locked until the commit.
   */
  nextSerial(device: { id: string; publicKey: string; atLeast: number; at: number }): Promise<number | null>
  /** Another board in the same place: whatever the one before it had is forgotten. */
  replaceDevice(id: string, publicKey: string): Promise<boolean>
  /** `false` when the technician has such a secret there. */
  insert(secret: BundleSecret): Promise<boolean>
  /** Oldest first. */
  list(device: string): Promise<BundleSecret[]>
  remove(id: string): Promise<boolean>
}
