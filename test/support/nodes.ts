import { type ChildProcess, fork } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import type { GuessLimits } from '@sallyport/core'
import type { Submission } from './verifier.fixture.ts'

export interface Nodes {
  /** Submits everything at once, dealt out to the nodes like cards; answers how often each outcome came. */
  submit(submissions: readonly Submission[]): Promise<Record<string, number>>
  stop(): void
}

/** Several processes on one database, as nodes are in production. */
export async function startNodes(options: {
  count: number
  location: string
  limits?: GuessLimits
}): Promise<Nodes> {
  const { count, ...harness } = options
  const path = fileURLToPath(new URL('verifier.fixture.ts', import.meta.url))
  const nodes = Array.from({ length: count }, () => fork(path, [JSON.stringify(harness)], { execArgv: [] }))
  const stop = () => nodes.forEach((node) => void node.kill('SIGKILL'))
  try {
    await Promise.all(nodes.map(answer))
  } catch (error) {
    stop()
    throw error
  }
  return {
    async submit(submissions) {
      const answers = nodes.map((node, index) => {
        const answered = answer(node)
        node.send(submissions.filter((_, place) => place % count === index))
        return answered
      })
      const tally: Record<string, number> = {}
      for (const status of (await Promise.all(answers)).flat()) tally[status] = (tally[status] ?? 0) + 1
      return tally
    },
    stop,
  }
}

function answer(node: ChildProcess): Promise<string[]> {
  return new Promise((resolve, reject) => {
    const ended = (code: number | null) => reject(new Error(`a node ended with ${code}`))
    node.once('exit', ended)
    node.once('message', (message) => {
      node.off('exit', ended)
      resolve(message as string[])
    })
  })
}
