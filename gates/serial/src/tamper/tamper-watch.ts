import { createPublicKey, type KeyObject } from 'node:crypto'
import { type Clock, type SiemEvent, type Store, spoolEvents } from '@sallyport/core'
import type { ShimConfig } from '../config/shim-config.ts'
import type { Alerts } from '../evidence/alerts.ts'
import type { Recorder } from '../recorder/recording.ts'
import type { Shim, ShimLog } from '../shim.ts'
import type { Timers } from '../timers.ts'
import { checkHeartbeats, type Heartbeat, nextHeartbeat, parseHeartbeat } from './heartbeat.ts'
import type { createHeartbeatLog } from './heartbeat-log.ts'
import { type SensorRule, watchSensors } from './sensor.ts'

const lastBeat = 'shim.heartbeat'
/** A daemon that disciplines the clock may move it by so much. */
const tolerance = 2_000

export interface TamperWatchParts {
  config: Pick<ShimConfig, 'device' | 'tamper' | 'storage' | 'siem'>
  shim: Shim
  store: Store
  clock: Clock
  timers: Timers
  recorder: Recorder
  alerts: Alerts
  signingKey: KeyObject
  heartbeats: ReturnType<typeof createHeartbeatLog>
  sensors: readonly SensorRule[]
  /** Hashes of program and configuration, and what `integrity.command` says. */
  integrity(): Promise<Record<string, unknown>>
  log: ShimLog
}

/** The watch over the box itself: its sensors, its clock and its own state, told in heartbeats. */
export async function createTamperWatch(parts: TamperWatchParts) {
  const { config, shim, store, clock, timers, alerts, heartbeats, log } = parts
  let before = clock.now() - timers.monotonic()
  let stopped = false
  let cancel = () => {}
  let beating: Promise<void> = Promise.resolve()

  /** The line is cut in this very turn; what is kept of it comes after. */
  async function tamper(reason: string, data: Record<string, string | number>): Promise<void> {
    const stop = config.tamper.response === 'emergency_stop'
    const who = shim.open()
    const cut = stop ? shim.tamper(reason) : null
    const response = config.tamper.response
    await Promise.all([
      alerts.raise('tamper', { reason, response, ...who, ...data }),
      cut?.catch((error: unknown) => log.error({ err: error }, 'the stop is not kept')),
    ])
  }

  /** Against the last heartbeat on the disk: a database put back to an older copy, a clock set back. */
  async function checkStart(): Promise<void> {
    const text = await store.read((tx) => tx.settings.find(lastBeat))
    const kept = text === null ? null : parseHeartbeat(text)
    const filed = await heartbeats.last()
    if (filed && checkHeartbeats([JSON.stringify(filed)], createPublicKey(parts.signingKey)) !== null) {
      await tamper('the heartbeats were altered', { heartbeat: filed.n })
    } else if (filed && filed.n > (kept?.n ?? 0)) {
      await tamper('the state was set back: the heartbeats are ahead of it', {
        ...{ heartbeat: filed.n, state_heartbeat: kept?.n ?? 0, boot_count: filed.boot_count },
      })
    }
    // The first may not have reached its file when the power went.
    if (kept && kept.n > 1 && filed === null)
      await tamper('evidence is missing: the heartbeats were removed', { state_heartbeat: kept.n })
    if (kept && (filed?.n ?? 0) < kept.n) await heartbeats.append(kept)
    const seen = Math.max(...[kept, filed].map((beat) => (beat ? Date.parse(beat.at) : 0)))
    if (clock.now() < seen - tolerance) {
      const last = new Date(seen).toISOString()
      await alerts.raise('clock', { reason: 'the clock was set back', last, now: clock.now() })
    }
  }

  function stepped(): number {
    const now = clock.now() - timers.monotonic()
    const by = Math.round(now - before)
    before = now
    return by
  }

  async function facts() {
    const { clock: verdict, recordings, directory, ...known } = await shim.status()
    const { boot_count, uptime, software } = known
    const by = stepped()
    if (by < -tolerance) await alerts.raise('clock', { reason: 'the clock was set back', by })
    return {
      ...{ at: clock.now(), boot_count, device: config.device.id, software, uptime },
      clock: { ...verdict, synchronised: await shim.clockSynchronised(), stepped_ms: by },
      ...{ free: recordings.free, recordings: recordings.sessions, recorded: recordings.bytes },
      ...(recordings.fault !== undefined && { recordings_fault: recordings.fault }),
      ...{ sensors: watch.states(), ...(await parts.integrity()) },
      ...(directory && { directory: { ...directory } }),
    }
  }

  async function beatOnce(): Promise<void> {
    const known = await facts()
    const marks = await shim.marks()
    const beat = await store.transaction(async (tx) => {
      const text = await tx.settings.find(lastBeat)
      const head = await tx.ledger.head()
      const { through } = await tx.spool.shipper()
      const waiting = (head?.seq ?? 0) - (through?.entries ?? 0)
      const next = nextHeartbeat(
        text === null ? null : parseHeartbeat(text),
        {
          ...known,
          spool: { events: await tx.spool.count('event'), entries: config.siem ? waiting : 0 },
          ledger: head && { id: head.ledger, seq: head.seq, hash: head.hash },
          open_recordings: marks,
        },
        parts.signingKey,
      )
      await tx.settings.put(lastBeat, JSON.stringify(next))
      await shim.markClock(tx)
      if (config.siem) await spoolEvents(tx, [heartbeatEvent(next)], limitsOf(config.siem))
      return next
    })
    await heartbeats.append(beat)
    await heartbeats.removeBefore(clock.now() - config.storage.retention)
  }

  function beat(): Promise<void> {
    cancel()
    beating = beatOnce()
      .catch((error: unknown) => log.error({ err: error }, 'no heartbeat could be kept'))
      .finally(() => {
        if (!stopped) cancel = timers.after(config.tamper.heartbeat, () => void beat())
      })
    return beating
  }

  await checkStart()
  const watch = watchSensors({
    ...{ rules: parts.sensors, timers },
    tripped: (id, value) => void tamper(`sensor ${id} was tripped`, { sensor: id, value }),
    failed: (sensor, reason) => void alerts.raise('sensor-fault', { sensor, reason }),
    recovered: (sensor) => log.info({ sensor }, 'the sensor answers again'),
  })
  if (config.tamper.response === 'emergency_stop') shim.heedSensors(watch.stillTripped)
  void beat()

  return {
    async stop() {
      stopped = true
      watch.stop()
      cancel()
      await beating
      cancel()
      alerts.stop()
    },
  }
}

/** Alerts have no cap. */
function limitsOf({ spool }: NonNullable<ShimConfig['siem']>) {
  return { mostEvents: spool.max_events }
}

function heartbeatEvent({ signature: _, open_recordings, ...beat }: Heartbeat): SiemEvent {
  const { n, at, hash, ...details } = beat
  return {
    ...{
      id: `heartbeat:${beat.device}:${n}:${hash.slice(0, 16)}`,
      at: Date.parse(at),
      type: 'shim.heartbeat',
    },
    ...{ severity: 'low', address: null, subject: null },
    details: { n, hash, ...details, ...marksOf(open_recordings) },
  }
}

/** A mark fits into a field only by itself. */
function marksOf(marks: unknown): Record<string, string> {
  return Object.fromEntries((marks as object[]).map((mark, at) => [`mark_${at + 1}`, JSON.stringify(mark)]))
}
