import type { Claim, Contender, Row } from '../harness.ts'
import { startBetterAuth } from '../http/better-auth.fixture.ts'
import { openConnections } from '../http/connection.ts'
import { pinLoad, type ServerProcess } from '../http/process.ts'
import { startSallyport } from '../http/sallyport.fixture.ts'
import { traffic } from '../http/traffic.ts'

const connections = 16

/** Whose token is this? What an application asks before anything else, at each request of its own. */
export function httpSessionRow(): Row {
  return {
    name: 'http-session',
    title: `session check over HTTP, ${connections} connections`,
    async prepare() {
      const unpin = pinLoad()
      const ours = await startSallyport()
      const peer = await startBetterAuth({ hash: 'none' })
      const caching = await startBetterAuth({ hash: 'none', cookieCache: true })
      await demandSession([ours.process(), ours.session])
      await demandSession([peer.process(), peer.sessionByBearer])
      await demandSession([caching.process(), caching.sessionByCookie])
      const contenders = [
        contender('ours, bearer', ours.process(), ours.session),
        contender('better-auth, bearer', peer.process(), peer.sessionByBearer),
        contender('better-auth, cookie', peer.process(), peer.sessionByCookie),
        contender('better-auth, cookie cache', caching.process(), caching.sessionByCookie),
      ]
      const ratio = (peerName: string, bound: object) => ({
        text: `ours ÷ ${peerName}`,
        of: ['ours, bearer', 'per second'] as const,
        per: [peerName, 'per second'] as const,
        ...bound,
      })
      const claims: Claim[] = [
        ratio('better-auth, bearer', { atLeast: 30 }),
        ratio('better-auth, cookie', {}),
        ratio('better-auth, cookie cache', {}),
        {
          text: 'processor time, better-auth by bearer ÷ ours',
          of: ['better-auth, bearer', 'server CPU µs'],
          per: ['ours, bearer', 'server CPU µs'],
          atLeast: 30,
        },
      ]
      const close = async () => {
        await Promise.all([ours.stop(), peer.stop(), caching.stop()])
        unpin()
      }
      return { contenders, claims, close }
    },
  }
}

function contender(name: string, server: ServerProcess, request: string): Contender {
  return { name, run: (ms) => traffic({ server, connections, ms, next: () => request }) }
}

/** better-auth says 200 to anybody, with `null` where nobody is signed in. */
async function demandSession([{ url }, request]: [ServerProcess, string]): Promise<void> {
  const [connection] = await openConnections(url, 1)
  const { body } = await connection!.ask(request).finally(() => connection!.close())
  if (!body.includes('@example.org')) throw new Error(`nobody is signed in: ${body}`)
}
