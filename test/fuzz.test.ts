import type { OpenApi } from '@sallyport/protocol'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { fuzz } from './fuzz/fuzz.ts'
import { makeWorld } from './fuzz/make-world.ts'
import { type PopulatedServer, startPopulatedServer } from './support/populated-server.ts'

const requests = Number(process.env.FUZZ_REQUESTS ?? 100_000)
const seed = Number(process.env.FUZZ_SEED ?? 1)

/** Hashes are slow on purpose, and reading the whole ledger takes as long as it is. */
function share(path: string): number {
  if (/ledger\/|replay/.test(path)) return 1
  if (/metrics|openapi/.test(path)) return 5
  return /login|password|invitation|link|enroll$|enroll\/totp|regenerate|disable$|mfa\/verify/.test(path)
    ? 15
    : 100
}

let server: PopulatedServer
beforeAll(async () => {
  server = await startPopulatedServer()
})
afterAll(() => server?.child.kill('SIGKILL'))

it(`survives ${requests} requests, each answered as documented`, {
  timeout: requests * 6 + 60_000,
}, async () => {
  const document = (await server.call('GET', '/openapi.json')).body as OpenApi
  const renewWorld = () => makeWorld(server)
  const report = await fuzz({
    ...{ url: server.url, pid: server.pid, document, requests, seed, share, renewWorld },
    connections: 16,
  })
  const { memory, faults, reached, ...figures } = report
  const quarter = Math.floor(memory.length / 4)
  const [early, late] = [median(memory.slice(-2 * quarter, -quarter)), median(memory.slice(-quarter))]
  console.log({
    ...figures,
    reached: reached.length,
    perSecond: Math.round(requests / report.seconds),
    earlier: Math.round(early),
    atTheEnd: Math.round(late),
  })
  expect(faults.slice(0, 20)).toEqual([])
  // Nobody is stopped at the first door all the time: what is behind it is fuzzed as well.
  expect(reached.length).toBeGreaterThan(30)
  expect(server.log()).not.toContain('"level":50')
  // Until V8 and the allocator have what they keep in reserve it grows; from then on only a leak does.
  expect(late).toBeLessThan(early * 1.15 + 20)
  expect(await server.stop()).toBe(0)
})

function median(list: number[]): number {
  return list.toSorted((a, b) => a - b)[list.length >> 1]!
}
