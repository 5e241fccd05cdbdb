import { spawn } from 'node:child_process'
import { fileURLToPath } from 'node:url'

const script = fileURLToPath(new URL('./node.fixture.ts', import.meta.url))

/** Starts `count` processes at once on one database; answers how many of 64 keys each of them spent. */
export async function raceNodes(location: string, count: number): Promise<number[]> {
  return Promise.all(
    Array.from({ length: count }, async () => Number(await runNode('race', location).output)),
  )
}

/** Lets a process spend keys, kills it at once after `after` of them, and answers how many it was told of. */
export async function killStreamingNode(location: string, after: number): Promise<number> {
  const { child, output } = runNode('stream', location)
  let lines = 0
  child.stdout.on('data', (chunk: Buffer) => {
    lines += chunk.toString().split('\n').length - 1
    if (lines >= after) child.kill('SIGKILL')
  })
  await output.catch(() => undefined)
  return lines
}

function runNode(task: string, location: string) {
  const child = spawn(process.execPath, [script, task, location], { stdio: ['ignore', 'pipe', 'pipe'] })
  const text = { out: '', err: '' }
  child.stdout.on('data', (chunk) => {
    text.out += chunk
  })
  child.stderr.on('data', (chunk) => {
    text.err += chunk
  })
  const output = new Promise<string>((resolve, reject) => {
    child.on('close', (code) =>
      code === 0 ? resolve(text.out) : reject(new Error(`node ended with ${code}: ${text.err}`)),
    )
  })
  return { child, output }
}
