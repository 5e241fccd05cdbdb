import type { Authority } from '../decide/authority.ts'
import type { BreakGlass } from '../decide/break-glass.ts'
import type { Endpoint } from '../endpoints/line.ts'
import type { Recorder, RecordingHeader } from '../recorder/recording.ts'
import type { PortEvent, PortState } from '../state/port-state.ts'
import type { Timers } from '../timers.ts'
import type { GateSession, SessionRules } from './gate-session.ts'

export interface Transition {
  port: string
  from: PortState
  to: PortState
  event: PortEvent
}

export interface PortGateOptions {
  id: string
  technician: Endpoint
  device: Endpoint
  rules: SessionRules & { banner: string }
  authority: Authority
  breakGlass: BreakGlass
  recorder: Recorder
  /** All of a recording's header but what the gate itself knows. */
  header(session: Pick<RecordingHeader, 'session' | 'technician' | 'openedBy' | 'marked'>): RecordingHeader
  /** Keeps a transition: in the log, in the ledger, and the state for the next start. Rejects when it cannot. */
  journal(transition: Transition): Promise<void>
  /** Facts for the ledger that are no transitions: a record that was closed, a gap in one. */
  note(type: string, data: Record<string, string | number>): Promise<void>
  timers: Timers
  log: { info(facts: object, message: string): void; error(facts: object, message: string): void }
  saved: PortState
}

export interface PortStatus {
  id: string
  state: PortState['name']
  technician: string | null
  session_id: string | null
  bytes_in: number
  bytes_out: number
  reason: string | null
  locked: readonly string[]
  /** Bytes that came while the gate was shut, and went nowhere. */
  dropped_in: number
  dropped_out: number
  endpoints: { technician: 'open' | 'absent'; device: 'open' | 'absent' }
}

export interface PortGate {
  readonly id: string
  status(): PortStatus
  /** What happens to the port from outside: an administrator, a sensor. Resolves when it is kept. */
  send(event: PortEvent): Promise<void>
  /** The recording that is open, for heartbeats. */
  mark(): ReturnType<GateSession['mark']>
  /** Ends a session in order, then lets go of both lines. */
  stop(): Promise<void>
}
