import { createSubject, hashPassword, loginApplication, storePassword } from '@sallyport/core'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { loadConfig } from '../cli/src/config.ts'
import { openSallyport } from '../cli/src/sallyport.ts'
import { type PopulatedServer, password, startPopulatedServer } from './support/populated-server.ts'

/** As many known names as unknown ones; 1,000 in a long run. */
const pairs = Number(process.env.TIMING_PAIRS ?? 300)

let server: PopulatedServer
beforeAll(async () => {
  server = await startPopulatedServer()
  await addUsers(server.data)
})
afterAll(() => server?.stop())

it.each([
  ['a wrong password', '/auth/login', { password: 'not the password' }, 401],
  ['a forgotten password', '/auth/password/reset/request', {}, 200],
])(
  `cannot tell ${pairs} known names from as many unknown ones by the time of %s`,
  {
    timeout: pairs * 600,
  },
  async (_, path, more, expected) => {
    const attempt = async (email: string) => {
      const began = performance.now()
      const { status } = await server.call('POST', path, { body: { email, ...more } })
      const took = performance.now() - began
      expect(status).toBe(expected)
      return took
    }
    for (let index = 0; index < 10; index++) await attempt(`warm.${index}@example.org`)
    const known: number[] = []
    const unknown: number[] = []
    for (let index = 0; index < pairs; index++) {
      const tries = [
        async () => known.push(await attempt(`known.${index}@example.org`)),
        async () => unknown.push(await attempt(`other.${index}@example.org`)),
      ]
      // Side by side, so that both meet the same moods of the machine; now one first, now the other.
      if (index % 2 === 1) tries.reverse()
      for (const one of tries) await one()
    }
    const area = areaUnderCurve(known, unknown)
    console.log({ path, pairs, area: area.toFixed(4), known: median(known), unknown: median(unknown) })
    // Four times the spread that pure chance gives so many pairs, where that is more than the limit asked for.
    const spread = 4 * Math.sqrt((2 * pairs + 1) / (12 * pairs * pairs))
    expect(Math.abs(area - 0.5)).toBeLessThan(Math.max(0.05, spread))
  },
)

/** How often a known name took longer than an unknown one: one half says that time tells nothing. */
function areaUnderCurve(known: readonly number[], unknown: readonly number[]): number {
  let longer = 0
  for (const a of known) for (const b of unknown) longer += a > b ? 1 : a === b ? 0.5 : 0
  return longer / (known.length * unknown.length)
}

function median(list: readonly number[]): string {
  return `${list.toSorted((a, b) => a - b)[list.length >> 1]!.toFixed(2)} ms`
}

/** With a password each; the same one, hashed once, since hashing is what takes the time. */
async function addUsers(data: string): Promise<void> {
  const { store, vault, clock, random, close } = await openSallyport(
    loadConfig({ environment: {}, flags: { data } }),
  )
  const plaintext = Buffer.from(await hashPassword(password, { scheme: 'argon2id', random }))
  await store.transaction(async (tx) => {
    for (let index = 0; index < pairs; index++) {
      const email = `known.${index}@example.org`
      const wanted = { application: loginApplication, ref: email, email, emailVerified: true }
      const subject = await createSubject(wanted, { tx, clock, random })
      const sealed = vault.seal({ subject: subject.id, purpose: 'password', plaintext })
      await storePassword({ subject, sealed }, { tx, clock, random })
    }
  })
  await close()
}
