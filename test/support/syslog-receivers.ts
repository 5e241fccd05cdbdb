import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { connect, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'

/** A real receiver of syslog over TLS, as docs/siem.md configures it. */
export interface SyslogReceiver {
  port: number
  /** The lines of the file it writes. */
  lines(): string[]
  start(): Promise<void>
  stop(signal?: NodeJS.Signals): Promise<void>
}

const page = readFileSync(new URL('../../docs/siem.md', import.meta.url), 'utf8')

/** The page's own configuration, with the paths and the port of this test in it. */
function documented(
  language: string,
  { directory, log, port }: { directory: string; log: string; port: number },
): string {
  const block = new RegExp(`^\`\`\`${language}\\n([\\s\\S]*?)^\`\`\`$`, 'm').exec(page)
  if (!block) throw new Error(`docs/siem.md has no ${language} configuration`)
  return block[1]!
    .replaceAll('/etc/siem/', `${directory}/`)
    .replaceAll('/var/log/sallyport.log', join(directory, log))
    .replaceAll('6514', String(port))
}

export async function makeRsyslog(directory: string, log: string): Promise<SyslogReceiver> {
  const port = await freePort()
  const file = join(directory, 'rsyslog.conf')
  writeFileSync(file, documented('rsyslog', { directory, log, port }))
  return receiver({
    ...{ log: join(directory, log), port },
    run: () =>
      spawn('rsyslogd', ['-n', '-f', file, '-i', join(directory, 'rsyslog.pid')], {
        stdio: ['ignore', 'pipe', 'pipe'],
      }),
  })
}

export async function makeSyslogNg(directory: string, log: string): Promise<SyslogReceiver> {
  const port = await freePort()
  const root = unpackSyslogNg()
  const file = join(directory, 'syslog-ng.conf')
  writeFileSync(file, documented('syslog-ng', { directory, log, port }))
  const own = ['persist', 'control', 'pid'].map((name) => join(directory, `syslog-ng.${name}`))
  const libraries = [
    'usr/lib/syslog-ng',
    'usr/lib/x86_64-linux-gnu',
    'usr/lib/aarch64-linux-gnu',
    'lib/x86_64-linux-gnu',
    'lib/aarch64-linux-gnu',
  ]
  const modules = readdirSync(join(root, 'usr/lib/syslog-ng')).find((name) => /^\d+\.\d+$/.test(name))!
  const args = ['-F', '--no-caps', '-f', file, '-R', own[0]!, '-c', own[1]!, '-p', own[2]!]
  const env = {
    PATH: process.env.PATH,
    LD_LIBRARY_PATH: libraries.map((path) => join(root, path)).join(':'),
  }
  return receiver({
    ...{ log: join(directory, log), port },
    run: () =>
      spawn(
        join(root, 'usr/sbin/syslog-ng'),
        [...args, '--module-path', join(root, 'usr/lib/syslog-ng', modules)],
        { env, stdio: ['ignore', 'pipe', 'pipe'] },
      ),
  })
}

/**
 * Debian's syslog-ng and rsyslog shut each other out as packages, not as programs: it is unpacked beside the
 * system, once for all runs, with the libraries that are not there.
 */
function unpackSyslogNg(): string {
  const root = join(tmpdir(), `sallyport-syslog-ng-${process.getuid!()}`)
  if (existsSync(join(root, 'usr/sbin/syslog-ng'))) return root
  const making = `${root}.${process.pid}`
  mkdirSync(making, { mode: 0o700 })
  for (const name of ['syslog-ng-core', 'libivykis0', 'libnet1', 'libpcre3']) {
    execFileSync('apt-get', ['--quiet', 'download', name], { cwd: making, stdio: 'pipe' })
  }
  for (const name of readdirSync(making).filter((one) => one.endsWith('.deb'))) {
    execFileSync('dpkg', ['-x', join(making, name), making], { stdio: 'pipe' })
  }
  try {
    renameSync(making, root)
  } catch {
    // Another test was as quick.
    rmSync(making, { recursive: true })
  }
  return root
}

function receiver(parts: { log: string; port: number; run: () => ChildProcess }): SyslogReceiver {
  const { log, port, run } = parts
  let child: ChildProcess | null = null
  return {
    port,
    lines: () => (existsSync(log) ? readFileSync(log, 'utf8').split('\n').slice(0, -1) : []),
    async start() {
      const started = run()
      child = started
      let said = ''
      for (const stream of [started.stdout!, started.stderr!])
        stream.on('data', (chunk) => {
          said += chunk
        })
      const ended = once(started, 'exit').then(([code]) => {
        throw new Error(`the receiver ended with ${code}: ${said}`)
      })
      // It may end by our own hand later.
      ended.catch(() => {})
      await Promise.race([listening(port), ended])
    },
    async stop(signal = 'SIGTERM') {
      if (child === null || child.exitCode !== null || child.signalCode !== null) return
      const ended = once(child, 'exit')
      child.kill(signal)
      await ended
      child = null
    },
  }
}

async function listening(port: number): Promise<void> {
  for (;;) {
    const socket = connect({ host: '127.0.0.1', port })
    const open = await once(socket, 'connect').then(
      () => true,
      () => false,
    )
    socket.destroy()
    if (open) return
    await sleep(50)
  }
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as { port: number }
  server.close()
  await once(server, 'close')
  return port
}
