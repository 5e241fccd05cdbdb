import { randomBytes, scrypt as scryptWithCallback, timingSafeEqual } from 'node:crypto'
import { promisify } from 'node:util'

const scrypt = promisify<string, Buffer, number, Buffer>(scryptWithCallback)

/** Whether this is the password of that user; takes as long where there is no such user. */
export type CheckPassword = (user: unknown, password: unknown) => Promise<boolean>

/** The app's own users, whose passwords Sallyport never sees. */
export async function createUsers(passwords: Readonly<Record<string, string>>): Promise<CheckPassword> {
  const users = new Map<unknown, { salt: Buffer; hash: Buffer }>()
  for (const [name, password] of Object.entries(passwords)) {
    const salt = randomBytes(16)
    users.set(name, { salt, hash: await scrypt(password, salt, 32) })
  }
  const nobody = { salt: randomBytes(16), hash: randomBytes(32) }
  return async (user, password) => {
    const { salt, hash } = users.get(user) ?? nobody
    return typeof password === 'string' && timingSafeEqual(await scrypt(password, salt, 32), hash)
  }
}
