import type { Clock } from '../clock.ts'
import { SallyportError } from '../errors.ts'
import { consume } from '../once.ts'
import type { Store } from '../store.ts'
import type { Vault } from '../vault/vault.ts'
import { type OtpFields, parseOtp, spendOf, type YubikeyOtp } from './otp.ts'
import { type OpenedOtp, openOtp } from './self-hosted.ts'
import {
  isSignedBy,
  type ValidationFields,
  type ValidationStatus,
  validationSignature,
} from './validation-protocol.ts'

export interface ValidationServer {
  /** Judges a request by its query and answers it in the protocol's own words, whatever is wrong with it. */
  answer(query: Readonly<Record<string, string>>): Promise<string>
}

interface Judgement {
  status: ValidationStatus
  fields?: OtpFields
}

export const clientBinding = (id: string) => ({ subject: 'validation client', purpose: id })

/** Validates OTPs for other programs, by the keys and the counters that the factor uses. */
export function createValidationServer(options: {
  store: Store
  vault: Pick<Vault, 'open'>
  clock: Clock
  log: { warn(facts: object, message: string): void }
}): ValidationServer {
  const { store, vault, clock, log } = options

  async function answer(query: Readonly<Record<string, string>>): Promise<string> {
    let key: Uint8Array | null = null
    try {
      if (query.id === undefined) return spell('MISSING_PARAMETER')
      key = await findKey(query.id)
      if (!key) return spell('NO_SUCH_CLIENT')
      const { status, fields } = await judge(query, key)
      return spell(status, { key, query, fields })
    } catch (error) {
      if (!(error instanceof SallyportError)) throw error
      log.warn({ error }, 'a YubiKey OTP could not be validated for another program')
      return spell('BACKEND_ERROR', { key, query })
    }
  }

  async function findKey(id: string): Promise<Uint8Array | null> {
    if (!/^\d{1,16}$/.test(id)) return null
    const client = await store.read((tx) => tx.validationClients.find(id))
    return client && vault.open({ ...clientBinding(id), sealed: client.sealed })
  }

  async function judge(query: ValidationFields, key: Uint8Array): Promise<Judgement> {
    const { id, otp: text, nonce, h } = query
    if (!text || !h || !isNonce(nonce)) return { status: 'MISSING_PARAMETER' }
    if (!isSignedBy(query, key)) return { status: 'BAD_SIGNATURE' }
    const otp = parseOtp(text)
    const opened = otp && (await openOtp(otp, { store, vault }))
    if (!opened) return { status: 'BAD_OTP' }
    const status = await settle(opened, { otp, nonce, client: id! })
    return { status, fields: opened.fields }
  }

  /** The one write that accepts, and the record of it. */
  function settle(
    { spends }: OpenedOtp,
    request: { otp: YubikeyOtp; nonce: string; client: string },
  ): Promise<ValidationStatus> {
    const { otp, nonce, client } = request
    const asked = `${spendOf(otp).key}:${nonce}`
    return store.transaction(async (tx) => {
      const accepted = await consume(tx, spends)
      if (accepted) await tx.once.spend(asked)
      const again = !accepted && (await tx.once.countSpent(asked)) > 0
      const status = accepted ? 'OK' : again ? 'REPLAYED_REQUEST' : 'REPLAYED_OTP'
      const data = { client, public_id: otp.publicId, status }
      tx.ledger.append({ type: 'yubikey.validated', at: clock.now(), actor: `validation:${client}`, data })
      return status
    })
  }

  function spell(
    status: ValidationStatus,
    to: { key?: Uint8Array | null; query?: ValidationFields; fields?: OtpFields | undefined } = {},
  ): string {
    const { key, query = {}, fields: otp } = to
    const lines: Record<string, string> = { t: utcTime(clock.now()), status }
    // Only what cannot be taken for another line, nor for the next field of what is signed.
    for (const name of ['otp', 'nonce']) {
      const value = query[name]
      if (value !== undefined && /^[A-Za-z0-9]{1,64}$/.test(value)) lines[name] = value
    }
    if (status === 'OK') lines.sl = '100'
    if (otp && query.timestamp === '1') {
      lines.timestamp = String(otp.timestamp)
      lines.sessioncounter = String(otp.usageCounter)
      lines.sessionuse = String(otp.sessionUse)
    }
    const signed = key ? { h: validationSignature(lines, key), ...lines } : lines
    return `${Object.entries(signed)
      .map(([name, value]) => `${name}=${value}\r\n`)
      .join('')}\r\n`
  }

  return { answer }
}

function isNonce(nonce: string | undefined): nonce is string {
  return nonce !== undefined && /^[A-Za-z0-9]{16,40}$/.test(nonce)
}

/** As the protocol writes it, with the milliseconds after the zone: `2026-11-09T12:00:00Z0000`. */
function utcTime(at: number): string {
  const [seconds, milliseconds] = new Date(at).toISOString().split('.')
  return `${seconds}Z0${milliseconds!.slice(0, 3)}`
}
