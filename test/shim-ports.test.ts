import { afterAll, beforeAll, expect, it, vi } from 'vitest'
import { sallyport } from './support/cli.ts'
import { codeOf, makeBench, type Plug, passGate, plugIn, until } from './support/shim.ts'

vi.setConfig({ testTimeout: 60_000 })

const bench = makeBench((at) => ({
  ports: ['left', 'right'].map((id) => ({
    id,
    technician: at(`gate-near-${id}`),
    device: at(`gate-far-${id}`),
  })),
  lockout: { attempts: 1 },
  tamper: { sensors: [{ id: 'case', type: 'signal', signal: 'SIGUSR2' }] },
}))
const plugs = new Map<string, { near: Plug; far: Plug }>()
const at = (id: 'left' | 'right') => plugs.get(id)!
const states = async () =>
  Object.fromEntries((await bench.status()).ports.map(({ id, state, reason }) => [id, { state, reason }]))

beforeAll(async () => {
  for (const id of ['left', 'right']) {
    await bench.cable(`near-${id}`, `gate-near-${id}`)
    await bench.cable(`far-${id}`, `gate-far-${id}`)
  }
  await bench.start()
  await until('all lines', async () =>
    (await bench.status()).ports.every(({ endpoints: { technician, device } }) =>
      [technician, device].every((state) => state === 'open'),
    ),
  )
  for (const id of ['left', 'right'])
    plugs.set(id, { near: await plugIn(bench.at(`near-${id}`)), far: await plugIn(bench.at(`far-${id}`)) })
}, 60_000)
afterAll(() => bench.remove())

it('one daemon guards several ports: what happens at one is no matter of the other, but for a tamper', async () => {
  const [left, right] = [at('left'), at('right')]
  const code = codeOf('alice')
  left.near.type(`alice@example.org ${code}\r`)
  await left.near.expect('is being recorded.')
  // The code that opened one port opens no other.
  right.near.type(`alice@example.org ${code}\r`)
  await right.near.expect('alice@example.org is LOCKED')
  await until('the prompt', () => right.near.text().endsWith('\n> '))
  right.near.forget()
  await passGate(right.near, 'bob')
  expect(await states()).toMatchObject({ left: { state: 'OPEN' }, right: { state: 'OPEN' } })
  left.near.type('to the left')
  right.near.type('to the right')
  await left.far.expect('to the left')
  await right.far.expect('to the right')
  expect([left.far.text(), right.far.text()]).toEqual(['to the left', 'to the right'])

  await expect(bench.control('close', { reason: 'which?' })).rejects.toThrow(
    'name the port with --port: left, right',
  )
  await expect(bench.control('close', { reason: 'x', port: 'middle' })).rejects.toThrow(
    'there is no port "middle"; there are left, right',
  )
  bench.unplugCable('far-left')
  await until('the stop of one', async () => (await states()).left!.state === 'EMERGENCY_STOP')
  expect((await states()).right!.state).toBe('OPEN')
  await bench.cable('far-left', 'gate-far-left')
  expect(await bench.control('reset', { reason: 'plugged in', port: 'left' })).toEqual({ reset: ['left'] })

  process.kill(bench.pid(), 'SIGUSR2')
  for (const id of ['left', 'right'] as const) {
    await until(`the stop of ${id}`, async () => (await states())[id]!.state === 'EMERGENCY_STOP')
    expect((await states())[id]!.reason).toMatch(/^sensor case/)
  }
  const { out } = await sallyport(['shim', 'status', '--config', bench.config])
  expect(out).toContain('left: sensor case')
  expect(out).toContain('right: sensor case')
  expect(await bench.control('reset', { reason: 'a trial' })).toEqual({ reset: ['left', 'right'] })

  // failures are counted over all ports: whoever is unlocked by the name of one is unlocked on all
  expect((await states()).right!.state).toBe('LOCKED')
  expect(await bench.control('unlock', { port: 'left', technician: 'Alice@Example.org' })).toEqual({
    unlocked: ['alice@example.org'],
  })
  expect((await states()).right!.state).toBe('IDLE')
  await expect(bench.control('unlock', { technician: 'alice' })).rejects.toThrow('no technician "alice"')
})
