import { type BackupSettings, SallyportError, type Vault } from '@sallyport/core'
import type { FactorConfig } from '../config/factor-config.ts'

/** A factor with its secret, as `sealed:` in the configuration holds it. */
export type SealedFactor =
  | { type: 'totp'; secret: string; algorithm?: string; period?: number; digits?: number }
  | { type: 'yubikey'; id: string; private_id: string; key: string }
  | { type: 'backup'; codes: readonly string[] }
  | { type: 'backup'; hashes: string; settings: BackupSettings }

/** Bound to the technician and the kind of factor: moved to another line of the file, it does not open. */
const bindingOf = (technician: string, type: FactorConfig['type']) => ({
  subject: `technician:${technician}`,
  purpose: `configured ${type}`,
})

export function sealFactorText(
  factor: SealedFactor,
  { vault, technician }: { vault: Vault; technician: string },
): string {
  const plaintext = Buffer.from(JSON.stringify(factor))
  const { keyId, bytes } = vault.seal({ ...bindingOf(technician, factor.type), plaintext })
  return `${keyId}.${Buffer.from(bytes).toString('base64url')}`
}

export async function parseSealedText(
  text: string,
  owner: { vault: Vault; technician: string; type: FactorConfig['type'] },
): Promise<SealedFactor> {
  const { vault, technician, type } = owner
  const [keyId, bytes] = text.split('.') as [string, string]
  const sealed = { keyId, bytes: Buffer.from(bytes, 'base64url') }
  try {
    const plaintext = await vault.open({ ...bindingOf(technician, type), sealed })
    return JSON.parse(Buffer.from(plaintext).toString()) as SealedFactor
  } catch (cause) {
    const message = `the sealed ${type} of technician ${technician} does not open: it was sealed for another person, or by another shim`
    throw new SallyportError('config_invalid', message, { cause })
  }
}
