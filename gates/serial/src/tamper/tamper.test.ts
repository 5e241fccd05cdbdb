import { createPublicKey } from 'node:crypto'
import { generateLedgerKey, loadLedgerKey, systemRandom } from '@sallyport/core'
import { describe, expect, it } from 'vitest'
import { createTurnedTimers } from '../timers.fixture.ts'
import { checkHeartbeats, type Heartbeat, nextHeartbeat } from './heartbeat.ts'
import { type SensorRule, watchSensors } from './sensor.ts'

const { privateKey } = loadLedgerKey(generateLedgerKey(systemRandom))
const publicKey = createPublicKey(privateKey)

function watched(reads: Record<string, () => Promise<number>>, rule: Partial<SensorRule> = {}) {
  const timers = createTurnedTimers()
  const told: string[] = []
  const rules = Object.entries(reads).map(([id, read]) => ({
    ...{ sensor: { id, read }, threshold: 1, debounce: 0, every: 20, ...rule },
  }))
  const watch = watchSensors({
    ...{ rules, timers },
    tripped: (id) => told.push(`tripped ${id}`),
    failed: (id, reason) => told.push(`failed ${id}: ${reason}`),
    recovered: (id) => told.push(`recovered ${id}`),
  })
  return { ...timers, told, watch }
}

describe('sensors', () => {
  it('tell of being tripped once, and again only after they were quiet', async () => {
    let value = 0
    const { flow, told, watch } = watched({ case: async () => value })
    await flow(100)
    expect(told).toEqual([])
    value = 1
    await flow(30)
    expect(told).toEqual(['tripped case'])
    await flow(1_000)
    value = 0
    await flow(50)
    expect(watch.states()).toEqual({ case: 'quiet' })
    value = 5
    await flow(50)
    expect(told).toEqual(['tripped case', 'tripped case'])
  })

  it('that bounce are tripped only when they stay so', async () => {
    let value = 1
    const { flow, told } = watched({ case: async () => value }, { debounce: 200 })
    await flow(150)
    value = 0
    await flow(50)
    value = 1
    await flow(150)
    expect(told).toEqual([])
    await flow(100)
    expect(told).toEqual(['tripped case'])
  })

  it('that throw, hang or measure nonsense are faults, told once, and stop no other', async () => {
    let open = 0
    let broken = true
    const hangs = new Promise<number>(() => {})
    let asked = 0
    const { flow, told, watch } = watched({
      throws: async () => {
        if (broken) throw Object.assign(new Error('gone'), { code: 'ENXIO' })
        return 0
      },
      hangs: () => {
        asked += 1
        return hangs
      },
      nonsense: async () => Number.NaN,
      case: async () => open,
    })
    await flow(5_000)
    expect(told.toSorted()).toEqual([
      'failed hangs: it does not answer',
      'failed nonsense: it measures no number',
      'failed throws: ENXIO',
    ])
    expect(asked).toBe(1)
    open = 1
    broken = false
    await flow(50)
    expect(told.slice(3).toSorted()).toEqual(['recovered throws', 'tripped case'])
    expect(watch.states()).toMatchObject({ throws: 'quiet', hangs: 'failed', case: 'tripped' })
    watch.stop()
    open = 0
    await flow(100)
    expect(watch.states().case).toBe('tripped')
  })
})

describe('a reset', () => {
  it('finds the sensors that are tripped still, asked anew', async () => {
    let [open, signalled] = [1, 1]
    const timers = createTurnedTimers()
    const hangs = () => new Promise<number>(() => {})
    let read = async () => 1
    const rearm = () => {
      signalled = 0
    }
    const sensors = [
      { id: 'case', read: async () => open },
      { id: 'signal', read: async () => signalled, rearm },
      { id: 'hangs', read: () => read() },
    ]
    const nothing = () => {}
    const watch = watchSensors({
      rules: sensors.map((sensor) => ({ sensor, threshold: 1, debounce: 0, every: 20 })),
      ...{ timers, tripped: nothing, failed: nothing, recovered: nothing },
    })
    await timers.flow(50)
    expect(watch.states()).toEqual({ case: 'tripped', signal: 'tripped', hangs: 'tripped' })
    read = hangs
    const asked = watch.stillTripped()
    await timers.flow(2_100)
    expect(await asked).toEqual(['case'])
    open = 0
    expect(await watch.stillTripped()).toEqual([])
    watch.stop()
  })
})

describe('heartbeats', () => {
  const beats: Heartbeat[] = []
  for (let n = 0; n < 5; n++)
    beats.push(nextHeartbeat(beats.at(-1) ?? null, { at: n, boot_count: 1 }, privateKey))
  const lines = beats.map((beat) => JSON.stringify(beat))

  it('are a chain, each signed', () => {
    expect(beats.map(({ n }) => n)).toEqual([1, 2, 3, 4, 5])
    expect(checkHeartbeats(lines, publicKey)).toBeNull()
  })

  it.each([
    [
      'one was altered',
      lines.with(2, lines[2]!.replace('"boot_count":1', '"boot_count":2')),
      'line 3: was altered',
    ],
    ['one was taken out', lines.toSpliced(2, 1), 'line 3: does not follow the one before'],
    [
      'two were exchanged',
      lines.with(1, lines[2]!).with(2, lines[1]!),
      'line 2: does not follow the one before',
    ],
    ['one is torn', lines.with(4, lines[4]!.slice(0, 40)), 'line 5: is no heartbeat'],
  ])('say that %s', (_, altered, expected) => {
    expect(checkHeartbeats(altered, publicKey)).toBe(expected)
  })

  it('are of one shim only', () => {
    const stranger = loadLedgerKey(generateLedgerKey(systemRandom)).privateKey
    const forged = JSON.stringify(nextHeartbeat(beats[4]!, { at: 9, boot_count: 1 }, stranger))
    expect(checkHeartbeats([...lines, forged], publicKey)).toBe('line 6: is not signed by this shim')
  })
})
