import type { Page, PageRequest, Resealable, SealedSecret } from '../store.ts'

/** A YubiKey whose secret is held here. What its counters have reached is kept by `OncePort.raise`. */
export interface Yubikey {
  /** Twelve modhex letters, in lower case. */
  publicId: string
  serial: string | null
  /** Private id and AES key, sealed for `yubikey` with the public id as purpose. */
  sealed: SealedSecret
  importedAt: number
}

export interface YubikeyPort extends Resealable {
  /** `false` when there is one with that public id. */
  insert(key: Yubikey): Promise<boolean>
  find(publicId: string): Promise<Yubikey | null>
  list(page: PageRequest): Promise<Page<Yubikey>>
  remove(publicId: string): Promise<boolean>
}

/** Another program that has its users' OTPs validated here. */
export interface ValidationClient {
  /** Digits: clients of the protocol take no other id. */
  id: string
  name: string
  /** The key that requests and answers are signed with, sealed for `validation client` and the id. */
  sealed: SealedSecret
  createdAt: number
}

export interface ValidationClientPort extends Resealable {
  /** `false` when the id is taken. */
  insert(client: ValidationClient): Promise<boolean>
  find(id: string): Promise<ValidationClient | null>
  list(page: PageRequest): Promise<Page<ValidationClient>>
  remove(id: string): Promise<boolean>
}
