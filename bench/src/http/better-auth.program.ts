import { argon2, randomBytes, timingSafeEqual } from 'node:crypto'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { parseArgs, promisify } from 'node:util'
import { betterAuth } from 'better-auth'
import { getMigrations } from 'better-auth/db/migration'
import { toNodeHandler } from 'better-auth/node'
import { bearer, twoFactor } from 'better-auth/plugins'
import Database from 'better-sqlite3'

// The peer's server, a process of its own: `node better-auth.program.ts --db FILE [--hash …] [--cookie-cache]`.
const { values } = parseArgs({
  options: {
    db: { type: 'string' },
    hash: { type: 'string', default: 'scrypt' },
    'cookie-cache': { type: 'boolean', default: false },
  },
})

const derive = promisify(argon2)
/** As ours hashes. */
async function argon2id(password: string, nonce: Buffer): Promise<Buffer> {
  return derive('argon2id', {
    message: password,
    nonce,
    parallelism: 1,
    tagLength: 32,
    memory: 19_456,
    passes: 2,
  })
}

const hashes = {
  /** Its own: N=16384, r=16. */
  scrypt: {},
  argon2id: {
    password: {
      async hash(password: string) {
        const salt = randomBytes(16)
        return `${salt.toString('base64')}:${(await argon2id(password, salt)).toString('base64')}`
      },
      async verify({ hash, password }: { hash: string; password: string }) {
        const [salt, tag] = hash.split(':').map((part) => Buffer.from(part, 'base64'))
        return timingSafeEqual(await argon2id(password, salt!), tag!)
      },
    },
  },
  /** Where the password is only the way to what is measured. */
  none: {
    password: {
      hash: async (password: string) => password,
      verify: async ({ hash, password }: { hash: string; password: string }) => hash === password,
    },
  },
}

const database = new Database(values.db!)
database.pragma('journal_mode = WAL')
database.pragma('synchronous = FULL')

const server = createServer()
server.listen(0, '127.0.0.1', async () => {
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  const auth = betterAuth({
    database,
    baseURL: url,
    trustedOrigins: ['http://bench.example'],
    secret: 'a secret that is long enough for a benchmark',
    emailAndPassword: { enabled: true, ...hashes[values.hash as keyof typeof hashes] },
    plugins: [twoFactor({ skipVerificationOnEnable: true }), bearer()],
    session: { cookieCache: { enabled: values['cookie-cache'], maxAge: 3_600 } },
    rateLimit: { enabled: false },
    telemetry: { enabled: false },
    logger: { disabled: true },
  })
  const { runMigrations } = await getMigrations(auth.options)
  await runMigrations()
  server.on('request', toNodeHandler(auth))
  console.log(`ready ${url}`)
})
