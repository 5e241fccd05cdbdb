import { createPublicKey } from 'node:crypto'
import { cpSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { checkHeartbeats, summarize } from '../gates/serial/src/index.ts'
import { type Bench, makeBench, passGate, plugIn, until } from './support/shim.ts'

vi.setConfig({ testTimeout: 60_000 })

let bench: Bench
afterEach(() => bench.remove())

async function begin(extra: (at: (name: string) => string) => Record<string, unknown>): Promise<void> {
  bench = makeBench(extra)
  await bench.cable('near', 'gate-near')
  await bench.cable('far', 'gate-far')
  await bench.start()
}

const linesOf = (path: string) => readFileSync(path, 'utf8').split('\n').filter(Boolean)
const alerts = () => readdirSync(bench.at('data/alerts'))
const alertOf = (kind: string) =>
  JSON.parse(
    readFileSync(bench.at(`data/alerts/${alerts().find((name) => name.endsWith(`.${kind}.json`))}`), 'utf8'),
  )
const shipped = () => linesOf(bench.at('siem.log')).map((line) => JSON.parse(line))
const heartbeats = () => {
  const folder = bench.at('data/heartbeats')
  return readdirSync(folder)
    .sort()
    .flatMap((name) => linesOf(`${folder}/${name}`))
}

const watched = (at: (name: string) => string) => ({
  tamper: {
    heartbeat: '200ms',
    sensors: [
      { id: 'case', type: 'file', path: at('opened') },
      { id: 'gone', type: 'gpio', path: at('nowhere') },
    ],
  },
  integrity: { command: ['echo', 'measured boot: as it should be'] },
  siem: { transport: 'file', address: at('siem.log'), sessions: 'full' },
})

describe('the watch over the box', () => {
  it('cuts the line when the case is opened, keeps the alert, and ships it before what waited', async () => {
    await begin(watched)
    const [near, far] = [await plugIn(bench.at('near')), await plugIn(bench.at('far'))]
    const session = await passGate(near, 'alice')
    near.type('before')
    await far.expect('before')
    writeFileSync(bench.at('opened'), '')
    await near.expect('EMERGENCY STOP: sensor case was tripped')
    near.type('after')
    for (const kind of ['tamper', 'sensor-fault'])
      await until(kind, () => alerts().some((name) => name.endsWith(`.${kind}.json`)))
    expect(far.text()).toBe('before')
    const who = { device: 'pump-12', technician: 'alice@example.org', session }
    expect(alertOf('tamper')).toMatchObject({
      ...who,
      severity: 'critical',
      sensor: 'case',
      response: 'emergency_stop',
    })
    expect(alertOf('sensor-fault')).toMatchObject({ sensor: 'gone', reason: 'ENOENT' })
    await until('the whole recording at the SIEM', () => {
      const parts = shipped().filter(({ type }) => type === 'recording.part')
      const last = parts.at(-1)?.details
      return last && last.session === session && parts.length >= Math.ceil(last.size / 3_750)
    })
    await until('a heartbeat at the SIEM', () => shipped().some(({ type }) => type === 'shim.heartbeat'))
    expect(await bench.port()).toMatchObject({ session_id: session, bytes_in: 6, bytes_out: 0 })
    const [file] = readdirSync(bench.at('data/sessions'))
    expect((await summarize(bench.at(`data/sessions/${file}`))).header!.clock).toEqual({
      ...{ boot_count: 1, trusted: true, synchronised: expect.any(Boolean) },
    })
    const events = shipped()
    expect(events.find(({ type }) => type === 'tamper.detected')).toMatchObject({
      ...{ severity: 'critical', details: who },
    })
    expect(events.find(({ type }) => type === 'shim.heartbeat')).toMatchObject({ severity: 'low' })
    const parts = events.filter(({ type }) => type === 'recording.part').map(({ details }) => details)
    const bytes = parts.flatMap((part) =>
      [1, 2, 3, 4, 5].map((n) => Buffer.from(part[`base64_${n}`] ?? '', 'base64')),
    )
    const [recording] = readdirSync(bench.at('data/sessions'))
    expect(Buffer.concat(bytes).equals(readFileSync(bench.at(`data/sessions/${recording}`)))).toBe(true)

    const publicKey = createPublicKey(readFileSync(bench.at('data/state/recording.pub')))
    await until('two heartbeats', () => heartbeats().length > 2)
    expect(checkHeartbeats(heartbeats(), publicKey)).toBeNull()
    expect(JSON.parse(heartbeats().at(-1)!)).toMatchObject({
      ...{ boot_count: 1, device: 'pump-12', sensors: { case: 'tripped', gone: 'failed' } },
      ...{ config_sha256: expect.stringMatching(/^[0-9a-f]{64}$/) },
      ...{ program_sha256: expect.stringMatching(/^[0-9a-f]{64}$/) },
      integrity: { output: 'measured boot: as it should be\n' },
      clock: { trusted: true },
    })

    await expect(bench.control('reset', { reason: 'looked at' })).rejects.toThrow('still tripped: case')
    expect((await bench.port()).state).toBe('EMERGENCY_STOP')
    rmSync(bench.at('opened'))
    expect(await bench.control('reset', { reason: 'shut again' })).toEqual({ reset: ['service'] })
  })

  it('stops when the record it writes is removed with its directory, and goes on to tell', async () => {
    await begin((at) => ({ tamper: { heartbeat: '100ms' }, siem: watched(at).siem }))
    const near = await plugIn(bench.at('near'))
    await passGate(near, 'alice')
    rmSync(bench.at('data/sessions'), { recursive: true })
    await until('the stop', async () => {
      near.type('x')
      return (await bench.port()).state === 'EMERGENCY_STOP'
    })
    expect((await bench.port()).reason).toBe('recording failed')
    await until('a heartbeat that says so', () => heartbeats().at(-1)!.includes('"recordings_fault"'))
  })

  it('with response: alert, tells and does not stop', async () => {
    await begin((at) => ({ tamper: { ...watched(at).tamper, response: 'alert' } }))
    writeFileSync(bench.at('opened'), '1')
    await until('the alert', () => alerts().some((name) => name.endsWith('.tamper.json')))
    expect((await bench.port()).state).toBe('IDLE')
  })

  it('stops when its state was put back to an older copy, and its chain of heartbeats goes on over a kill', async () => {
    await begin((at) => ({ tamper: { heartbeat: '100ms' }, siem: watched(at).siem }))
    await bench.stop()
    cpSync(bench.at('data/state'), bench.at('copy'), { recursive: true })
    await bench.start()
    await until('more heartbeats', () => heartbeats().length > 4)
    await bench.stop('SIGKILL')
    await bench.start()
    await until('boot 3', () => heartbeats().at(-1)!.includes('"boot_count":3'))
    await bench.stop()
    const publicKey = createPublicKey(readFileSync(bench.at('data/state/recording.pub')))
    expect(checkHeartbeats(heartbeats(), publicKey)).toBeNull()

    rmSync(bench.at('data/state'), { recursive: true })
    cpSync(bench.at('copy'), bench.at('data/state'), { recursive: true })
    await bench.start()
    await bench.state('EMERGENCY_STOP')
    expect(alertOf('tamper')).toMatchObject({ reason: expect.stringContaining('the state was set back') })

    await until('a heartbeat', () => heartbeats().length > 0)
    await bench.stop()
    for (const name of readdirSync(bench.at('data/heartbeats'))) rmSync(bench.at(`data/heartbeats/${name}`))
    await bench.start()
    await until('the alert', () =>
      alerts().some((name) =>
        readFileSync(bench.at(`data/alerts/${name}`), 'utf8').includes('heartbeats were removed'),
      ),
    )
  })
})
