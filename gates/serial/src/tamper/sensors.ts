import { constants } from 'node:fs'
import { open } from 'node:fs/promises'
import type { ShimConfig } from '../config/shim-config.ts'
import type { Sensor, SensorRule } from './sensor.ts'

type SensorConfig = ShimConfig['tamper']['sensors'][number]

const { O_RDONLY, O_NONBLOCK } = constants

/** Each kind of sensor there is, by its name in the configuration. */
const kinds: Record<SensorConfig['type'], (config: SensorConfig) => Sensor> = {
  /** For trials: tripped by making the file; a number in it is what is measured. */
  file: ({ id, path }) => ({ id, read: () => readTrialFile(path!) }),
  /** For trials: tripped by the signal, until the gate is reset. */
  signal: ({ id, signal }) => createSignalSensor(id, signal!),
  /** A case switch: the `value` file of a Linux GPIO line. */
  gpio: ({ id, path }) => ({ id, read: async () => numberIn(await readShort(path!)) }),
  /** A magnetometer or accelerometer: an `in_…_raw` file of Linux IIO, whichever way it points. */
  iio: ({ id, path }) => ({ id, read: async () => Math.abs(numberIn(await readShort(path!))) }),
}

export function sensorRules(sensors: readonly SensorConfig[]): SensorRule[] {
  return sensors.map((config) => {
    const { threshold, debounce = 0, every } = config
    return { sensor: kinds[config.type](config), threshold, debounce, every }
  })
}

async function readTrialFile(path: string): Promise<number> {
  try {
    const text = (await readShort(path)).trim()
    return text === '' || Number.isNaN(Number(text)) ? 1 : Number(text)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return 0
    throw error
  }
}

function createSignalSensor(id: string, signal: NodeJS.Signals): Sensor {
  let value = 0
  const note = () => {
    value = 1
  }
  process.on(signal, note)
  const rearm = () => {
    value = 0
  }
  return { id, read: async () => value, rearm, close: () => void process.off(signal, note) }
}

/** Never waits for the other end of a pipe, and reads no more than a number takes. */
async function readShort(path: string): Promise<string> {
  const file = await open(path, O_RDONLY | O_NONBLOCK)
  try {
    const { buffer, bytesRead } = await file.read(Buffer.alloc(64), 0, 64)
    return buffer.toString('latin1', 0, bytesRead)
  } finally {
    await file.close()
  }
}

function numberIn(text: string): number {
  if (/^\s*-?\d+(\.\d+)?\s*$/.test(text)) return Number(text)
  throw new Error('it holds no number')
}
