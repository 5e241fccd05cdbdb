import { BlockList } from 'node:net'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import {
  addressKey,
  createAddressTable,
  createRangeTrie,
  inRange,
  parseAddress,
  readRange,
} from '@sallyport/core'
import { MemoryStore, rateLimit } from 'express-rate-limit'
import { RateLimiterMemory } from 'rate-limiter-flexible'
import { openGuard } from '../guard.fixture.ts'
import type { Contender, Row } from '../harness.ts'
import { asyncRate, rate } from '../timing.ts'

const tracked = 1_000_000
/** The libraries keep a timer or two objects an address: fewer tell as much. */
const trackedByPeers = 100_000
const ranges = 10_000
const window = 3_600_000

/** An address for a number, spread over all there are. */
function addressOf(index: number): string {
  const mixed = Math.imul(index + 1, 0x9e37_79b1) >>> 0
  return `${(mixed >>> 24) % 223}.${(mixed >>> 16) & 255}.${(mixed >>> 8) & 255}.${mixed & 255}`
}

const collectGarbage: () => void = (() => {
  setFlagsFromString('--expose-gc')
  return runInNewContext('gc')
})()

/** What `fill` leaves in memory, in bytes for each of `count`. */
async function memoryOf(count: number, fill: () => unknown): Promise<number> {
  const used = () => {
    collectGarbage()
    const { heapUsed, arrayBuffers } = process.memoryUsage()
    return heapUsed + arrayBuffers
  }
  const before = used()
  await fill()
  return (used() - before) / count
}

const mapped = 'a Map of objects'
const [ours, flexible, express] = ['ours', 'rate-limiter-flexible', 'express-rate-limit']

/** Failing addresses kept in memory: what one costs, and how quickly it is found by its text. */
export function addressesRow(): Row {
  return {
    name: 'addresses',
    title: 'a tracked address: found by its text, and its memory',
    async prepare() {
      const table = createAddressTable({ most: tracked, seed: 7 })
      const map = new Map<string, { count: number; time: number }>()
      const limiter = new RateLimiterMemory({ points: 10, duration: window / 1_000 })
      const store = new MemoryStore()
      store.init({ windowMs: window } as Parameters<MemoryStore['init']>[0])
      const each = (count: number, take: (text: string) => unknown) => async () => {
        for (let index = 0; index < count; index++) await take(addressOf(index))
      }
      const bytes: Record<string, number> = {
        [ours]: await memoryOf(
          tracked,
          each(tracked, (text) => table.set(addressKey(text)!, { count: 1, time: 1 })),
        ),
        [mapped]: await memoryOf(
          tracked,
          each(tracked, (text) => map.set(text, { count: 1, time: 1 })),
        ),
        [flexible]: await memoryOf(
          trackedByPeers,
          each(trackedByPeers, (text) => limiter.consume(text)),
        ),
        [express]: await memoryOf(
          trackedByPeers,
          each(trackedByPeers, (text) => store.increment(text)),
        ),
      }
      const asked = Array.from({ length: 4_096 }, (_, index) => addressOf((index * 7919) % trackedByPeers))
      const textAt = (index: number) => asked[index & 4_095]!
      const must = (found: unknown) => {
        if (!found) throw new Error('an address was not found')
      }
      const runs: Record<string, Contender['run']> = {
        [ours]: async (ms) => rate(ms, (index) => must(table.find(addressKey(textAt(index))!) >= 0)),
        [mapped]: async (ms) => rate(ms, (index) => must(map.get(textAt(index)))),
        [flexible]: (ms) => asyncRate(ms, async (index) => must(await limiter.get(textAt(index)))),
        [express]: (ms) => asyncRate(ms, async (index) => must(await store.get(textAt(index)))),
      }
      const contenders = Object.entries(runs).map(
        ([name, run]): Contender => ({
          name,
          run: async (ms) => ({ ...(await run(ms)), 'bytes each': bytes[name]! }),
        }),
      )
      const faster = (than: string, atLeast: number) => ({
        text: `ours ÷ ${than}, lookups`,
        of: [ours, 'per CPU second'] as const,
        per: [than, 'per CPU second'] as const,
        atLeast,
      })
      return {
        contenders,
        claims: [
          { text: 'memory of an address', of: [ours, 'bytes each'], atMost: 60 },
          faster(mapped, 4),
          faster(flexible, 4),
          faster(express, 4),
        ],
        async close() {
          store.shutdown()
          for (let index = 0; index < trackedByPeers; index++) await limiter.delete(addressOf(index))
        },
      }
    },
  }
}

/** One address against a list of ranges. */
export function cidrRow(): Row {
  return {
    name: 'cidr',
    title: `an address looked for in ${ranges} CIDR ranges`,
    async prepare() {
      const list = Array.from({ length: ranges }, (_, index) => `${addressOf(index)}/${16 + (index % 13)}`)
      const parsed = list.flatMap((text) => readRange(text) ?? [])
      const trie = createRangeTrie(parsed)
      const walk = (text: string) => {
        const address = parseAddress(text)!
        return parsed.some((range) => inRange(address, range))
      }
      const blockList = new BlockList()
      for (const text of list) {
        const [address, prefix] = text.split('/')
        blockList.addSubnet(address!, Number(prefix))
      }
      const asked = Array.from({ length: 1_024 }, (_, index) => addressOf(index * 31 + 5))
      const expected = asked.map((text) => blockList.check(text))
      const lookUp = (find: (text: string) => boolean) => (index: number) => {
        if (find(asked[index & 1_023]!) !== expected[index & 1_023]) throw new Error('a range was misjudged')
      }
      const [trieName, peer, walked] = ['trie (ours)', 'net.BlockList', 'the list walked through']
      return {
        contenders: [
          {
            name: trieName,
            run: async (ms) =>
              rate(
                ms,
                lookUp((text) => trie.find(addressKey(text)!) >= 0),
              ),
          },
          {
            name: peer,
            run: async (ms) =>
              rate(
                ms,
                lookUp((text) => blockList.check(text)),
              ),
          },
          { name: walked, run: async (ms) => rate(ms, lookUp(walk)) },
        ],
        claims: [
          {
            text: 'ours ÷ net.BlockList, lookups',
            of: [trieName, 'per CPU second'],
            per: [peer, 'per CPU second'],
            // Node 20's list did a hundredth of what Node 24's does; the bound is from then.
            atLeast: 300,
          },
          {
            text: 'ours ÷ the list walked through, lookups',
            of: [trieName, 'per CPU second'],
            per: [walked, 'per CPU second'],
            atLeast: 300,
          },
        ],
      }
    },
  }
}

/** The whole guard at a request that passes, behind a proxy, with blocks in force. */
export function guardRow(): Row {
  return {
    name: 'guard',
    title: 'the guard at a request behind a proxy, with 10,000 ranges and addresses blocked',
    async prepare() {
      const blocked = Array.from({ length: ranges }, (_, index) => `198.18.${index >> 8}.${index & 255}`)
      const isBlocked = openGuard([
        ...blocked,
        ...blocked.map((_, index) => `100.${index >> 8}.${index & 255}.0/24`),
      ])
      const asked = Array.from({ length: 1_024 }, (_, index) => `203.0.${index >> 8}.${index & 255}`)
      const limit = rateLimit({ windowMs: window, limit: 1e9, validate: false })
      const response = { setHeader: () => undefined, headersSent: false }
      return {
        contenders: [
          {
            name: ours,
            run: async (ms) =>
              rate(ms, (index) => {
                if (isBlocked(asked[index & 1_023]!)) throw new Error('a stranger was blocked')
              }),
          },
          {
            name: express,
            run: (ms) =>
              asyncRate(ms, async (index) => {
                const request = {
                  ip: asked[index & 1_023]!,
                  method: 'GET',
                  headers: {},
                  app: { get: () => false },
                }
                let passed = false
                await limit(request as never, response as never, () => (passed = true))
                if (!passed) throw new Error('a request was refused')
              }),
          },
        ],
        claims: [{ text: 'time of the guard', of: [ours, 'CPU µs'], atMost: 5 }],
      }
    },
  }
}
