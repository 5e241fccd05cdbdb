import { spawn, spawnSync } from 'node:child_process'
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { afterAll, describe, expect, it, vi } from 'vitest'
import { makeDirectory } from './support/cli.ts'
import { makeBench, until } from './support/shim.ts'

vi.setConfig({ testTimeout: 60_000 })

const unit = readFileSync(new URL('../deploy/sallyport-shim.service', import.meta.url), 'utf8')

describe('the unit for systemd', () => {
  const directory = makeDirectory()
  afterAll(() => directory.remove())

  function analyze(...words: string[]): string {
    const file = `${directory.path}/sallyport-shim.service`
    // The program and its user are not on this machine.
    writeFileSync(
      file,
      unit.replace(/^ExecStart=\S+/m, 'ExecStart=/bin/true').replace(/^Documentation=.*$/m, ''),
    )
    const { stdout, stderr, status } = spawnSync('systemd-analyze', [...words, file], { encoding: 'utf8' })
    return status === 0 ? `${stdout}${stderr}`.trim() : `ended with ${status}: ${stdout}${stderr}`
  }

  it('has no line that systemd does not know', () => {
    expect(analyze('verify', '--man=no')).toBe('')
  })

  it('leaves the gate little to do harm with', () => {
    // From 0, exposed to nothing, to 100.
    expect(analyze('security', '--offline=true', '--threshold=25')).toMatch(/exposure level .*: [12]\.\d OK/)
  })
})

describe('under systemd', () => {
  const bench = makeBench()
  afterAll(() => bench.remove())

  it('says that it is ready, and that it is alive for as long as it answers', async () => {
    const socket = bench.at('notify.sock')
    const receive = `import socket, sys
s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM); s.bind(sys.argv[1])
while True: print(s.recv(4096).decode(), flush=True)`
    const systemd = spawn('python3', ['-c', receive, socket], { stdio: ['ignore', 'pipe', 'inherit'] })
    try {
      let said = ''
      systemd.stdout.on('data', (chunk) => {
        said += chunk
      })
      const signs = () => said.split('WATCHDOG=1').length - 1
      await until('the socket', () => existsSync(socket))
      await bench.cable('near', 'gate-near')
      await bench.cable('far', 'gate-far')
      await bench.start({ NOTIFY_SOCKET: socket, WATCHDOG_USEC: '300000' })
      await until('two signs of life', () => signs() >= 2)
      // Nobody else speaks for it: what it calls itself would.
      expect(new Set(said.match(/^[A-Z]+=.*$/gm))).toEqual(new Set(['READY=1', 'BARRIER=1', 'WATCHDOG=1']))
      expect(said.startsWith('READY=1\n')).toBe(true)
      expect(await bench.stop()).toBe(0)
    } finally {
      systemd.kill()
      rmSync(socket, { force: true })
    }
  })
})
