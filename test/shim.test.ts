import { spawnSync } from 'node:child_process'
import { chmodSync, readdirSync, readFileSync, readlinkSync, statSync, writeFileSync } from 'node:fs'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { sallyport } from './support/cli.ts'
import { type Bench, codeOf, makeBench, type Plug, passGate, plugIn, until } from './support/shim.ts'

vi.setConfig({ testTimeout: 60_000 })

const everyByte = Buffer.from(Array.from({ length: 256 }, (_, byte) => byte))

describe('the gate between two cables', () => {
  const bench: Bench = makeBench({ lockout: { attempts: 2 } })
  let near: Plug
  let far: Plug

  beforeAll(async () => {
    await bench.cable('near', 'gate-near')
    await bench.cable('far', 'gate-far')
    await bench.start()
    near = await plugIn(bench.at('near'))
    far = await plugIn(bench.at('far'))
  })
  afterAll(() => bench.remove())

  it('asks at the first byte, masks the code, and lets nothing through either way', async () => {
    far.type('secret of the device')
    near.type('\r')
    await near.expect('Shim MFA gate. Authenticate as: <technician_id> <totp_code>\r\n> ')
    near.type('alice@example.org 123')
    await near.expect('> alice@example.org ***')
    near.type('\x7f\x7f\x7f999\rtyped ahead\r')
    await near.expect('Authentication failed.\r\n')
    await until('what was dropped', async () => (await bench.port()).dropped_out === 20)
    expect(far.seen()).toEqual(Buffer.alloc(0))
    expect(near.text()).not.toContain('secret')
    expect(near.text()).not.toContain('999')
    // the wait is over, and what was typed during it has no part in the next line
    await until('the second prompt', () => near.text().endsWith('Authentication failed.\r\n> '))
  })

  it('opens for the right code, once, and drops what was typed behind it', async () => {
    const code = codeOf('alice')
    near.forget()
    near.type(`alice@example.org ${code}\rtyped ahead`)
    const said = await near.expect('is being recorded.\r\n')
    expect(said).toMatch(
      /^alice@example.org \*{6}\r\nAuthenticated\. Session [\w-]+ is being recorded\.\r\n$/,
    )
    expect(await bench.port()).toMatchObject({ state: 'OPEN', technician: 'alice@example.org' })
    expect(far.seen()).toEqual(Buffer.alloc(0))
  })

  it('carries every byte value in both directions at once', async () => {
    near.forget()
    near.type(everyByte)
    far.type(everyByte)
    await until('256 bytes each way', () => near.seen().length === 256 && far.seen().length === 256)
    expect(near.seen()).toEqual(everyByte)
    expect(far.seen()).toEqual(everyByte)
    expect(await bench.port()).toMatchObject({ bytes_in: 256, bytes_out: 256 })
  })

  it('listens on no network socket, and keeps its files to itself', () => {
    const inodes = readdirSync(`/proc/${bench.pid()}/fd`).flatMap((fd) => {
      try {
        return /^socket:\[(\d+)\]$/.exec(readlinkSync(`/proc/${bench.pid()}/fd/${fd}`))?.[1] ?? []
      } catch {
        return []
      }
    })
    expect(inodes.length).toBeGreaterThan(0)
    for (const table of ['tcp', 'tcp6', 'udp', 'udp6', 'raw', 'packet']) {
      const lines = readFileSync(`/proc/${bench.pid()}/net/${table}`, 'utf8').split('\n').slice(1)
      const own = lines.filter((line) => inodes.some((inode) => line.split(/\s+/).includes(inode)))
      expect(own, table).toEqual([])
    }
    for (const folder of ['', '/sessions', '/state', '/alerts', '/heartbeats'])
      expect(statSync(bench.at(`data${folder}`)).mode & 0o777).toBe(0o700)
    for (const file of [
      'shim.db',
      'control.sock',
      'vault.key',
      'recording.key',
      'recording.pub',
      'ledger.pub',
    ])
      expect(statSync(bench.at(`data/state/${file}`)).mode & 0o777, file).toBe(0o600)
  })

  it('has its ledger exported and verified beside it, by its configuration or its storage', async () => {
    const out = bench.at('ledger.jsonl')
    const exported = await sallyport(['ledger', 'export', '--config', bench.config, '--out', out])
    expect(exported).toMatchObject({ code: 0, err: '' })
    expect(readFileSync(out, 'utf8')).toContain('"session.granted"')
    const kept = await sallyport(['ledger', 'checkpoint', '--data', bench.at('data')])
    writeFileSync(bench.at('kept.json'), kept.out)
    const key = ['--public-key', bench.at('data/state/ledger.pub')]
    const elsewhere = await sallyport(['ledger', 'verify', out, ...key])
    expect(elsewhere).toMatchObject({ code: 0, out: expect.stringMatching(/^clean: \d+ entries/) })
    const stored = ['--data', bench.at('data'), '--checkpoint', bench.at('kept.json')]
    expect(await sallyport(['ledger', 'verify', ...stored])).toMatchObject({
      ...{ code: 0, err: '', out: expect.stringContaining('signed to the end') },
    })
  })

  it('ends a session in order when it is told to, and when the terminal hangs up', async () => {
    const { session_id: session } = await bench.port()
    expect(await bench.control('close', { reason: 'lunch' })).toEqual({ closed: session })
    await near.expect('Session ended: lunch.\r\n')
    await bench.state('IDLE')
    near.forget()
    // another technician: the code of the first is used up for its half minute
    await passGate(near, 'bob')
    near.type('last words')
    await far.expect('last words')
    bench.unplugCable('near')
    await bench.state('IDLE')
    expect(await bench.port()).toMatchObject({ reason: 'hang-up', endpoints: { technician: 'absent' } })
    await bench.cable('near', 'gate-near')
    near = await plugIn(bench.at('near'))
    // typed before the gate has found its cable again: nothing of it is lost
    near.type('alice@example.org ')
    near.type('0\r')
    await near.expect('Authentication failed.')
    const text = near.text()
    expect(text).toContain('Authenticate as:')
    expect(text).toContain('> alice@example.org *\r\n')
  })

  it('locks a technician who fails too often, over kill -9, and not the other; unlock lifts it', async () => {
    await until('the prompt', () => near.text().endsWith('> '))
    // What was said before is no answer to this line: killed before it read it, the gate would meet it again.
    near.forget()
    near.type('alice@example.org 1\r')
    await near.expect('alice@example.org is LOCKED after too many failures')
    await bench.state('LOCKED')
    await bench.stop('SIGKILL')
    await bench.start()
    expect(await bench.port()).toMatchObject({ state: 'LOCKED', locked: ['alice@example.org'] })
    near.forget()
    near.type(`alice@example.org ${codeOf('alice')}\r`)
    await near.expect('alice@example.org is LOCKED')
    expect(near.text()).not.toContain('Authenticated')
    expect(await bench.control('unlock')).toEqual({ unlocked: ['alice@example.org'] })
    await bench.state('IDLE')
  })

  it('answers nobody but its own user and root', async () => {
    const { code, err } = await sallyport(['shim', 'status', '--config', bench.config], { uid: 65_534 })
    expect(code).toBe(1)
    expect(err).toContain('cannot be read (EACCES)')
    // with every directory on the way open to all, the socket itself still refuses
    for (const open of ['', 'data', 'data/state']) chmodSync(bench.at(open), 0o755)
    const connect = `require('net').connect(${JSON.stringify(bench.at('data/state/control.sock'))})
      .on('error', (error) => console.log(error.code)).on('connect', () => { console.log('in'); process.exit() })`
    const asked = spawnSync('setpriv', ['--reuid=65534', '--clear-groups', process.execPath, '-e', connect], {
      encoding: 'utf8',
    })
    if (process.getuid?.() === 0) expect(asked.stdout.trim(), asked.stderr).toBe('EACCES')
    for (const shut of ['data', 'data/state']) chmodSync(bench.at(shut), 0o700)
    await expect(bench.control('nonsense')).rejects.toThrow('there is no command')
    await expect(bench.control('reset', { reason: 'x' })).rejects.toThrow('no port stands in EMERGENCY_STOP')
    for (const reason of ['', 'x'.repeat(501), 'a\u001b[2Jb', 'two\nlines', 7])
      await expect(bench.control('close', { reason }), String(reason)).rejects.toThrow(/^--reason: must be /)
    await expect(bench.control('unlock', { technician: 'x'.repeat(129) })).rejects.toThrow('--technician: ')
    const said = await sallyport(['shim', 'clock', 'accept', '--config', bench.config, '--reason', 'seen'])
    expect(said.out).toMatch(
      /^done: clock accept: it is \d{4}-\S+Z; the latest time before was \d{4}-\S+Z\n$/,
    )
  })

  it('stops every line at once when its device is lost, until it is reset', async () => {
    near.forget()
    await passGate(near, 'carol')
    bench.unplugCable('far')
    await near.expect('EMERGENCY STOP: device lost')
    await bench.stop('SIGKILL')
    await bench.cable('far', 'gate-far')
    await bench.start()
    expect(await bench.port()).toMatchObject({ state: 'EMERGENCY_STOP' })
    near.forget()
    near.type('alice@example.org 1\r')
    await near.expect('EMERGENCY STOP')
    expect(await bench.control('reset', { reason: 'plugged in again' })).toEqual({ reset: ['service'] })
    expect((await bench.port()).state).toBe('IDLE')
    expect(await bench.stop()).toBe(0)
  })
})

describe('a clock that was set', () => {
  const bench = makeBench()
  const library = '/usr/lib/x86_64-linux-gnu/faketime/libfaketime.so.1'
  const shifted = (by: string) => ({ LD_PRELOAD: library, FAKETIME: by, FAKETIME_DONT_FAKE_MONOTONIC: '1' })
  let near: Plug

  afterAll(() => bench.remove())

  it('takes no code back, an hour ago or in 40 days, and says why it refuses', async () => {
    await bench.cable('near', 'gate-near')
    await bench.cable('far', 'gate-far')
    await bench.start()
    near = await plugIn(bench.at('near'))
    const used = codeOf('alice')
    await passGate(near, 'alice')
    await bench.stop()
    near.forget()

    await bench.start(shifted('-1h'))
    expect((await bench.status()).clock).toMatchObject({
      trusted: false,
      reason: expect.stringContaining('set back'),
    })
    for (const code of [used, codeOf('alice', '1 hour ago'), codeOf('bob', '1 hour ago')]) {
      near.forget()
      near.type(`${code === used ? 'alice' : 'bob'}@example.org ${code}\r`)
      expect(await near.expect('clock accept\r\n> ')).toMatch(
        /Codes are refused: the clock was set back.*sallyport shim clock accept/s,
      )
    }
    const words = ['shim', 'clock', 'accept', '--config', bench.config, '--reason', 'a trial']
    expect(await sallyport(words, { env: shifted('-1h') })).toMatchObject({ code: 0 })
    near.forget()
    near.type(`alice@example.org ${codeOf('alice', '1 hour ago')}\r`)
    await near.expect('Authentication failed.')
    await bench.stop()

    await bench.start(shifted('+40d'))
    near.forget()
    near.type(`alice@example.org ${used}\r`)
    await near.expect('Authentication failed.')
    await bench.stop()
    near.forget()
    // the clock is right again, and seems to have been set back by 40 days
    await bench.start()
    near.type(`bob@example.org ${codeOf('bob')}\r`)
    await near.expect('the clock was set back')
    await bench.control('clock accept', { reason: 'the clock is right again' })
    near.forget()
    near.type(`alice@example.org ${used}\r`)
    await near.expect('Authentication failed.')
    await until('the prompt', () => near.text().endsWith('> '))
    near.forget()
    await passGate(near, 'bob')
  })
})
