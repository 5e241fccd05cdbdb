import type { Figures } from '../harness.ts'
import { callers } from '../timing.ts'
import { type Answer, openConnections } from './connection.ts'
import type { ServerProcess } from './process.ts'

export interface Traffic {
  server: ServerProcess
  connections: number
  ms: number
  /** What is sent next. */
  next: () => string
}

/**
 * So many connections, each of which asks again as soon as it was answered. Beside what they saw stands
 * what an answer cost the server in processor time, which neighbours on the machine hardly change.
 */
export async function traffic({ server, connections, ms, next }: Traffic): Promise<Figures> {
  const open = await openConnections(server.url, connections)
  try {
    const before = server.cpuMicros()
    let answers = 0
    const figures = await callers({ ms, count: connections }, async (caller) => {
      demandDone(await open[caller]!.ask(next()))
      answers++
    })
    return { ...figures, 'server CPU µs': (server.cpuMicros() - before) / answers }
  } finally {
    for (const connection of open) connection.close()
  }
}

/** Each request once; fails when there are too few of them. */
export function once(requests: readonly string[]): () => string {
  let used = 0
  return () => {
    const request = requests[used++]
    if (request === undefined) throw new Error(`all ${requests.length} prepared requests are used up`)
    return request
  }
}

/** A benchmark of refusals would be a fast one. */
function demandDone({ status, body }: Answer): void {
  if (status !== 200) throw new Error(`the answer is ${status}: ${body.slice(0, 200)}`)
}
