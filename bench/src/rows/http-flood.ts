import type { Contender, Figures, Row } from '../harness.ts'
import { type Connection, openConnections } from '../http/connection.ts'
import { pinLoad } from '../http/process.ts'
import { type SallyportServer, startSallyport } from '../http/sallyport.fixture.ts'
import { once, traffic } from '../http/traffic.ts'

const flooders = 64
const mostPerSecond = 3_000
/** So that there is a hundredth to speak of. */
const longer = 3

/** Codes are verified while others try passwords as fast as they are answered. */
export function httpFloodRow(): Row {
  return {
    name: 'http-flood',
    title: `second-factor verification, 8 connections, while ${flooders} more try passwords of nobody's, ${longer} times as long`,
    async prepare() {
      const unpin = pinLoad()
      const ours = await startSallyport()
      const contenders = [calm(ours), flooded(ours)]
      const claims = [
        { text: 'p99 in the flood, ms', of: ['in the flood', 'p99 ms'], atMost: 250 },
        {
          text: 'tries answered 429, of all',
          of: ['in the flood', 'tries shed'],
          per: ['in the flood', 'tries'],
          atLeast: 0.5,
        },
      ] as const
      const close = async () => {
        await ours.stop()
        unpin()
      }
      return { contenders, claims, close }
    },
  }
}

function calm(ours: SallyportServer): Contender {
  return { name: 'without', run: async (ms) => (await prepared(ours, ms))() }
}

function flooded(ours: SallyportServer): Contender {
  return {
    name: 'in the flood',
    async run(ms) {
      const verifying = await prepared(ours, ms)
      const connections = await openConnections(ours.process().url, flooders)
      const counts = { tries: 0, shed: 0 }
      let over = false
      const flood = async (connection: Connection) => {
        while (!over) {
          const { status, body } = await connection.ask(ours.guess())
          if (status !== 401 && status !== 429) throw new Error(`a try is answered ${status}: ${body}`)
          counts.tries++
          if (status === 429) counts.shed++
        }
      }
      const floods = Promise.all(connections.map(flood))
      const figures = await verifying()
      over = true
      await floods
      for (const connection of connections) connection.close()
      return { ...figures, tries: counts.tries, 'tries shed': counts.shed }
    },
  }
}

/** What is verified was begun before the flood comes. */
async function prepared(ours: SallyportServer, ms: number): Promise<() => Promise<Figures>> {
  const requests = await ours.pendings(Math.ceil((mostPerSecond * ms * longer) / 1_000) + 8)
  return () => traffic({ server: ours.process(), connections: 8, ms: ms * longer, next: once(requests) })
}
