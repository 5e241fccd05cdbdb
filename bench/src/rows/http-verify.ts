import type { Contender, Row } from '../harness.ts'
import { startBetterAuth } from '../http/better-auth.fixture.ts'
import { pinLoad, type ServerProcess } from '../http/process.ts'
import { startSallyport } from '../http/sallyport.fixture.ts'
import { once, traffic } from '../http/traffic.ts'

/** More than any of them does in a second. */
const mostPerSecond = { ours: 6_000, peer: 1_000 }

interface Side {
  process(): ServerProcess
  pendings(count: number): Promise<string[]>
}

/** The second step of a sign-in, over HTTP: the code is judged, the session opened, all of it on the disk. */
export function httpVerifyRow(): Row {
  return {
    name: 'http-verify',
    title: 'second-factor verification over HTTP, durable',
    async prepare() {
      const unpin = pinLoad()
      const ours = await startSallyport()
      const peer = await startBetterAuth({ hash: 'none' })
      const contenders = [
        ...[1, 8].map((count) => contender('ours', ours, count, mostPerSecond.ours)),
        ...[1, 8].map((count) => contender('better-auth', peer, count, mostPerSecond.peer)),
      ]
      const claims = [
        {
          text: 'ours ÷ better-auth, 8 connections',
          of: ['ours, 8 connections', 'per second'],
          per: ['better-auth, 8 connections', 'per second'],
          atLeast: 30,
        },
        {
          text: 'processor time, better-auth ÷ ours, 8 connections',
          of: ['better-auth, 8 connections', 'server CPU µs'],
          per: ['ours, 8 connections', 'server CPU µs'],
        },
        { text: 'p50 of ours, 1 connection, ms', of: ['ours, 1 connection', 'p50 ms'], atMost: 0.6 },
      ] as const
      const close = async () => {
        await Promise.all([ours.stop(), peer.stop()])
        unpin()
      }
      return { contenders, claims, close }
    },
  }
}

/** What is verified was begun before the clock starts. */
function contender(name: string, side: Side, connections: number, most: number): Contender {
  return {
    name: `${name}, ${connections} connection${connections === 1 ? '' : 's'}`,
    async run(ms) {
      const requests = await side.pendings(Math.ceil((most * ms) / 1_000) + connections)
      return traffic({ server: side.process(), connections, ms, next: once(requests) })
    },
  }
}
