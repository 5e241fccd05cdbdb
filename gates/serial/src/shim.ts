import {
  type Attempts,
  type Clock,
  createAttempts,
  type Factor,
  type Random,
  SallyportError,
  type Store,
  type Vault,
} from '@sallyport/core'
import { createDirectory, type DirectorySource } from './bundle/directory.ts'
import type { ShimConfig } from './config/shim-config.ts'
import { createAuthority } from './decide/authority.ts'
import { createBreakGlass } from './decide/break-glass.ts'
import { createClockTrust } from './decide/clock-trust.ts'
import { technicianLimits } from './decide/port-budget.ts'
import { createRoster } from './decide/roster.ts'
import { endpointOf as openEndpoint } from './endpoints/open-endpoint.ts'
import type { Alerts } from './evidence/alerts.ts'
import { createJournal } from './gate/journal.ts'
import type { PortGate, Transition } from './gate/port.ts'
import { createPortGate } from './gate/port-gate.ts'
import { createUnlock } from './gate/unlock.ts'
import type { Recorder, RecordingHeader } from './recorder/recording.ts'
import { loadPortState } from './state/saved-state.ts'
import type { Timers } from './timers.ts'

export interface ShimLog {
  info(facts: object, message: string): void
  warn(facts: object, message: string): void
  error(facts: object, message: string): void
}

export interface ShimParts {
  config: ShimConfig
  store: Store
  vault: Vault
  clock: Clock
  random: Random
  factors: readonly Factor[]
  recorder: Recorder
  timers: Timers
  synchronised: () => Promise<boolean>
  software: string
  log: ShimLog
  alerts: Pick<Alerts, 'raise'>
  /** Where `technicians[].directory` has its technicians from. */
  directory?: DirectorySource | null
  /** Where lines come from, when not from this machine's ports. */
  endpointOf?: typeof openEndpoint
}

const bootCount = 'shim.boot_count'

/** The ports of one daemon, and what an administrator, or a sensor, can do to them. */
export async function createShim(parts: ShimParts) {
  const { config, store, clock, recorder, timers, log, endpointOf = openEndpoint } = parts
  const clockTrust = createClockTrust({
    ...{ store, clock, synchronised: parts.synchronised },
    requireSync: config.clock.require_sync,
  })
  const boots = await countBoot(parts)
  for (const { path, frames } of await recorder.recover())
    log.warn({ path, frames }, 'a recording was interrupted')
  const gates = new Map<string, PortGate>()
  const roster = await createRoster({
    ...parts,
    directory: parts.directory
      ? await createDirectory({ ...parts, source: parts.directory, device: config.device.id })
      : null,
    onGone: endSessionsOf,
  })
  const device = config.device.id
  const breakGlass = createBreakGlass({ ...parts, device, ports: config.ports.map(({ id }) => id) })
  const limits = technicianLimits(config.lockout)
  const attempts: Attempts = createAttempts({ ...parts, limits })
  const authority = createAuthority({
    ...parts,
    attempts,
    policy: config.policy,
    roster,
    limits,
    clockTrust,
    device,
  })
  const journal = createJournal({ store, clock, timers, log, subjects: roster.known, device })
  const startedAt = timers.monotonic()
  let stillTripped = async (): Promise<string[]> => []

  for (const port of config.ports) {
    const saved = await store.read((tx) => loadPortState(tx, port.id))
    const [technician, device] = [endpointOf(port.technician), endpointOf(port.device)]
    const header = (
      proven: Parameters<Parameters<typeof createPortGate>[0]['header']>[0],
    ): RecordingHeader => ({
      ...proven,
      technician: { ...proven.technician, ...known({ name: roster.nameOf(proven.technician.id) }) },
      device: {
        id: config.device.id,
        ...known({ name: config.device.name, location: config.device.location }),
      },
      ...{ port: port.id, portSettings: { technician: technician.settings, device: device.settings } },
      ...{
        policy: config.policy,
        software: parts.software,
        clock: { boot_count: boots, ...clockTrust.seen() },
      },
    })
    const gate = createPortGate({
      ...{ id: port.id, technician, device, rules: { ...config.session }, authority, breakGlass },
      ...{ recorder, header, note, timers, log, saved },
      async journal(transition) {
        alertOf(transition)
        await journal.keep(transition)
      },
    })
    gates.set(port.id, gate)
  }

  /** Who was taken out goes on with nothing. */
  function endSessionsOf(technicians: readonly string[]): void {
    for (const gate of gates.values()) {
      if (!technicians.includes(gate.status().technician ?? '')) continue
      gate.send({ type: 'ended', reason: 'the technician was taken out' }).catch((error: unknown) => {
        log.error({ port: gate.id, err: error }, 'the end of a session could not be kept')
      })
    }
  }

  /** What somebody should be told of at once. A tamper is told by who saw it. */
  function alertOf({ port, to, event }: Transition): void {
    const { reason, session, technician } = to
    if (event.type === 'break_glass') void parts.alerts.raise('break-glass', { port, session, technician })
    if (event.type === 'failed')
      void parts.alerts.raise('emergency-stop', { port, session, technician, reason })
  }

  async function note(type: string, data: Record<string, string | number>): Promise<void> {
    if (type === 'recording.gap') void parts.alerts.raise('recording-gap', data)
    await journal.note(type, data)
  }

  function gateOf(id: string | undefined): PortGate[] {
    if (id === undefined) return [...gates.values()]
    const gate = gates.get(id)
    if (!gate)
      throw new SallyportError(
        'not_found',
        `there is no port "${id}"; there are ${[...gates.keys()].join(', ')}`,
      )
    return [gate]
  }

  /** A directory of recordings that is gone is a fact to be told, and keeps no other from being told. */
  async function usage(): Promise<{ bytes: number; free: number | null; sessions: number; fault?: string }> {
    try {
      return await recorder.usage()
    } catch (error) {
      const { code, message } = error as NodeJS.ErrnoException
      return {
        bytes: 0,
        free: null,
        sessions: 0,
        fault: `the recordings cannot be read (${code ?? message})`,
      }
    }
  }

  /** One port, named or the only one. */
  function theGate(id: string | undefined): PortGate {
    const [gate, ...others] = gateOf(id)
    if (gate && others.length === 0) return gate
    throw new SallyportError('invalid_input', `name the port with --port: ${[...gates.keys()].join(', ')}`)
  }

  if ((await clockTrust.check()).trusted) await roster.refresh()

  return {
    breakGlass,

    async status() {
      const verdict = await clockTrust.check()
      if (verdict.trusted) await roster.refresh()
      const directory = roster.directory()
      const ports = []
      for (const gate of gates.values()) {
        const unexplained = await breakGlass.unexplained(gate.id)
        ports.push({ ...gate.status(), ...(unexplained.length > 0 && { unexplained }) })
      }
      return {
        ports,
        boot_count: boots,
        device: config.device.id,
        software: parts.software,
        uptime: Math.round((timers.monotonic() - startedAt) / 1_000),
        clock: verdict.trusted ? { trusted: true } : { trusted: false, reason: verdict.reason },
        recordings: await usage(),
        ...(directory && { directory }),
      }
    },

    unlock: createUnlock({ gates, gateOf, authority }),

    async reset({ port, reason }: { port?: string | undefined; reason: string }) {
      const stopped = gateOf(port).filter((gate) => gate.status().state === 'EMERGENCY_STOP')
      if (stopped.length === 0) throw new SallyportError('not_found', 'no port stands in EMERGENCY_STOP')
      const tripped = await stillTripped()
      if (tripped.length > 0) {
        const message = `still tripped: ${tripped.join(', ')}; find out why, and put an end to it first`
        throw new SallyportError('invalid_input', message)
      }
      for (const gate of stopped) await gate.send({ type: 'reset', reason })
      return { reset: stopped.map(({ id }) => id) }
    },

    async close({ port, reason }: { port?: string | undefined; reason: string }) {
      const gate = theGate(port)
      const { state, session_id: session } = gate.status()
      if (state !== 'OPEN') throw new SallyportError('not_found', `port ${gate.id} has no open session`)
      await gate.send({ type: 'ended', reason })
      return { closed: session }
    },

    acceptClock: ({ reason }: { reason: string }) => clockTrust.accept(reason),

    /** While one of them is tripped, what it stopped stays so. */
    heedSensors(ask: () => Promise<string[]>) {
      stillTripped = ask
    },

    /** Something is wrong with the box itself: every port stops. */
    async tamper(reason: string) {
      await Promise.all([...gates.values()].map((gate) => gate.send({ type: 'tamper', reason })))
    },

    /** Who is on a line at this moment, and in which sessions. */
    open(): { technician: string; session: string } | null {
      const open = [...gates.values()].map((gate) => gate.status()).filter(({ state }) => state === 'OPEN')
      if (open.length === 0) return null
      const all = (key: 'technician' | 'session_id') => open.map((port) => port[key]).join(', ')
      return { technician: all('technician'), session: all('session_id') }
    },

    /** How far the recordings that are open have got, signed: for a place where this disk is not. */
    marks: () => [...gates.values()].flatMap((gate) => gate.mark() ?? []),

    /** Once a heartbeat: how far the clock got, and whether anything keeps it right. */
    markClock: clockTrust.mark,
    clockSynchronised: clockTrust.synchronised,

    async stop() {
      await Promise.all([...gates.values()].map((gate) => gate.stop()))
      journal.stop()
    },
  }
}

export type Shim = Awaited<ReturnType<typeof createShim>>

async function countBoot({ store, clock, software }: ShimParts): Promise<number> {
  return store.transaction(async (tx) => {
    const boots = Number((await tx.settings.find(bootCount)) ?? 0) + 1
    await tx.settings.put(bootCount, String(boots))
    tx.ledger.append({
      type: 'shim.started',
      at: clock.now(),
      gate: 'serial',
      data: { boot_count: boots, software },
    })
    return boots
  })
}

/** Without the keys that hold nothing. */
function known<T extends Record<string, string | undefined>>(facts: T): { [K in keyof T]?: string } {
  return Object.fromEntries(Object.entries(facts).filter(([, value]) => value !== undefined)) as {
    [K in keyof T]?: string
  }
}
