import { randomBytes, scrypt as scryptWithCallback, timingSafeEqual } from 'node:crypto'
import { promisify } from 'node:util'

const scrypt = promisify<string, Buffer, number, Buffer>(scryptWithCallback)

/** The app's own users and passwords, which Sallyport never sees. */
export interface Users {
  /** Takes as long for a user that does not exist. */
  check(name: string, password: string): Promise<boolean>
}

export async function createUsers(passwords: Readonly<Record<string, string>>): Promise<Users> {
  const users = new Map<string, { salt: Buffer; hash: Buffer }>()
  for (const [name, password] of Object.entries(passwords)) {
    const salt = randomBytes(16)
    users.set(name, { salt, hash: await scrypt(password, salt, 32) })
  }
  const nobody = { salt: randomBytes(16), hash: randomBytes(32) }
  return {
    async check(name, password) {
      const { salt, hash } = users.get(name) ?? nobody
      return timingSafeEqual(await scrypt(password, salt, 32), hash)
    },
  }
}
