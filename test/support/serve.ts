import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { sallyport, startSallyport } from './cli.ts'

/** One running `sallyport serve`. */
export interface Node {
  url: string
  child: ChildProcess
  /** What it logged, and said on standard output. */
  log(): string
  /** As a supervisor does it; answers the exit code and how long it took. */
  stop(): Promise<{ code: number | null; took: number }>
  kill(): Promise<void>
}

/** An installation that any number of nodes serve: its configuration, and where its data is. */
export interface Installation {
  /** Starts nodes, all of them at once. */
  start(count: number): Promise<Node[]>
  /** Changes the configuration; nodes that run already do not hear of it. */
  configure(config: object): void
  /** Puts a document beside the configuration; answers its path. */
  write(name: string, document: object): string
  /** Runs a command on the same installation; fails when it does not say 0. */
  run(words: readonly string[], input?: string): Promise<string>
  remove(): void
}

/**
 * Nodes stand on one database by its URL, each with a data directory of its own and all with one master
 * key, as on machines of their own; without a URL there is one directory, and one node.
 */
export function makeInstallation(options: { storeUrl?: string; config: object }): Installation {
  const { storeUrl } = options
  const root = mkdtempSync(join(tmpdir(), 'sallyport-nodes-'))
  const file = join(root, 'sallyport.yaml')
  const directory = (index: number) => join(root, storeUrl === undefined ? 'data' : `data-${index}`)

  function write(name: string, document: object): string {
    const path = join(root, name)
    // JSON is YAML.
    writeFileSync(path, JSON.stringify(document))
    return path
  }

  function configure(config: object): void {
    const store = storeUrl === undefined ? {} : { store: { url: storeUrl } }
    write('sallyport.yaml', { vault: { key_file: join(root, 'vault.key') }, ...store, ...config })
  }

  async function run(words: readonly string[], input = ''): Promise<string> {
    const { code, out, err } = await sallyport([...words, '--config', file, '--data', directory(0)], {
      input,
    })
    if (code !== 0) throw new Error(`sallyport ${words.join(' ')} ended with ${code}: ${out}${err}`)
    return out
  }

  configure(options.config)
  return {
    configure,
    write,
    run,
    async start(count) {
      const starts = Array.from({ length: count }, (_, index) =>
        startNode(['--config', file, '--data', directory(index)]),
      )
      const started = await Promise.allSettled(starts)
      const failed = started.find((start) => start.status === 'rejected')
      const nodes = started.flatMap((start) => (start.status === 'fulfilled' ? [start.value] : []))
      if (!failed) return nodes
      await Promise.all(nodes.map((node) => node.kill()))
      throw failed.reason
    },
    remove: () => rmSync(root, { recursive: true, force: true }),
  }
}

async function startNode(words: readonly string[]): Promise<Node> {
  const child = startSallyport(['serve', '--port', '0', ...words])
  const ended = once(child, 'close') as Promise<[number | null]>
  let log = ''
  child.stderr!.on('data', (chunk) => {
    log += chunk
  })
  const url = await new Promise<string>((resolve, reject) => {
    createInterface(child.stdout!).on('line', (line) => {
      log += `${line}\n`
      const ready = /^ready .*(http:\/\/\S+)\/$/.exec(line)?.[1]
      if (ready !== undefined) resolve(ready)
    })
    ended.then(([code]) => reject(new Error(`serve ended with ${code}: ${log}`)))
  })
  return {
    url,
    child,
    log: () => log,
    async stop() {
      const asked = performance.now()
      child.kill('SIGTERM')
      const [code] = await ended
      return { code, took: performance.now() - asked }
    },
    async kill() {
      child.kill('SIGKILL')
      await ended
    },
  }
}
