import { setTimeout as sleep } from 'node:timers/promises'
import type { Contender, Row } from '../harness.ts'
import { startBetterAuth } from '../http/better-auth.fixture.ts'
import { pinLoad, type ServerProcess } from '../http/process.ts'
import { startSallyport } from '../http/sallyport.fixture.ts'
import { traffic } from '../http/traffic.ts'

interface Side {
  process(): ServerProcess
  restart(): Promise<void>
  signIn: string
}

/** From nothing to listening, and the memory that it takes. */
export function startRow(): Row {
  return {
    name: 'start',
    title: 'start to listening, resident memory before and after load',
    async prepare() {
      const unpin = pinLoad()
      const ours = await startSallyport()
      const peer = await startBetterAuth()
      const contenders = [
        contender('ours', ours, ours.session),
        contender('better-auth', peer, peer.sessionByBearer),
      ]
      const bounded = (figure: string, atMost: number) => ({
        text: `${figure} of ours`,
        of: ['ours', figure] as const,
        atMost,
      })
      const claims = [
        bounded('start ms', 300),
        bounded('start CPU ms', 300),
        bounded('idle MiB', 90),
        bounded('MiB after load', 150),
        { text: 'start of ours ÷ better-auth', of: ['ours', 'start ms'], per: ['better-auth', 'start ms'] },
      ] as const
      const close = async () => {
        await Promise.all([ours.stop(), peer.stop()])
        unpin()
      }
      return { contenders, claims, close }
    },
  }
}

/** The load: session checks by 16 connections, then sign-ins by 8. */
function contender(name: string, side: Side, session: string): Contender {
  return {
    name,
    async run(ms) {
      await side.restart()
      const server = side.process()
      await sleep(500)
      const idle = server.residentMiB()
      await traffic({ server, connections: 16, ms: 5 * ms, next: () => session })
      await traffic({ server, connections: 8, ms: 5 * ms, next: () => side.signIn })
      const { startMs, startCpuMs } = server
      return {
        'start ms': startMs,
        'start CPU ms': startCpuMs,
        'idle MiB': idle,
        'MiB after load': server.residentMiB(),
      }
    },
  }
}
