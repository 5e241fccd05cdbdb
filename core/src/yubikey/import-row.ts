import { aesKeyBytes, isPublicId, privateIdBytes } from './otp.ts'

export interface YubikeyRow {
  publicId: string
  serial: string | null
  /** Private id and AES key, in a row. */
  secret: Uint8Array
}

export type ReadYubikeyRow = { row: YubikeyRow } | { fault: string } | null

/**
 * One line of the log that Yubico's tools write, in either format; `null` for a comment or an empty line.
 *
 * - Yubico format: `serial,public id,private id,AES key,access code,time made,…`
 * - traditional: `Yubico OTP,time,slot,public id,private id,AES key,…`
 *
 * No fault repeats what the line holds: it is a secret, wherever it stands.
 */
export function readYubikeyRow(line: string): ReadYubikeyRow {
  const text = line.replace(/#.*/, '').trim()
  if (text === '') return null
  const cells = text.split(',').map((cell) => cell.trim().replace(/^"(.*)"$/, '$1'))
  if (/^[A-Za-z]/.test(cells[0]!)) {
    if (cells[0] !== 'Yubico OTP') return fault('is of no Yubico OTP: only those can be validated')
    return readCells([null, ...cells.slice(3)])
  }
  if (!/^\d{0,12}$/.test(cells[0]!)) return fault('begins with neither a serial number nor "Yubico OTP"')
  return readCells([cells[0]! || null, ...cells.slice(1)])
}

function readCells([serial, publicName, privateName, keyName]: (string | null | undefined)[]) {
  if (keyName === undefined) return fault('has too few fields')
  const publicId = publicName!.toLowerCase()
  if (!isPublicId(publicId)) return fault('has a public id that is not 12 letters of modhex')
  const privateId = readHex(privateName!, privateIdBytes)
  if (!privateId) return fault('has a private id that is not 12 hexadecimal digits')
  const key = readHex(keyName!, aesKeyBytes)
  if (!key) return fault('has an AES key that is not 32 hexadecimal digits')
  return { row: { publicId, serial: serial ?? null, secret: Buffer.concat([privateId, key]) } }
}

/** Also with spaces between the bytes, as the tool shows them. */
function readHex(text: string, bytes: number): Buffer | null {
  const digits = text.replaceAll(' ', '')
  return digits.length === bytes * 2 && /^[0-9a-f]*$/i.test(digits) ? Buffer.from(digits, 'hex') : null
}

function fault(reason: string): { fault: string } {
  return { fault: reason }
}
