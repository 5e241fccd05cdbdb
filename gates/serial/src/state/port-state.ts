/** The states of one port, and all that can happen to it: one pure function of a table. */

export const stateNames = ['IDLE', 'CHALLENGE', 'OPEN', 'FLUSHED', 'LOCKED', 'EMERGENCY_STOP'] as const
export type StateName = (typeof stateNames)[number]

/**
 * In `locks`: every technician id that is locked, and this for the port as a whole. Nobody can type it: an id
 * that is typed is kept in small letters, and one that is configured has no spaces.
 */
export const wholePort = 'THE WHOLE PORT'

export interface PortState {
  readonly name: StateName
  /** Who is locked until an administrator unlocks: they outlive the session of somebody else. */
  readonly locks: readonly string[]
  readonly session: string | null
  readonly technician: string | null
  /** Why the port is where it is. */
  readonly reason: string | null
}

export type PortEvent =
  | { type: 'connected' }
  | { type: 'disconnected'; reason: string }
  | { type: 'timed_out' }
  | { type: 'authenticated'; session: string; technician: string }
  | { type: 'break_glass'; session: string }
  | { type: 'locked'; lock: string }
  | { type: 'unlocked'; locks: readonly string[] }
  | { type: 'ended'; reason: string }
  | { type: 'flushed' }
  | { type: 'failed'; reason: string }
  | { type: 'tamper'; reason: string }
  | { type: 'reset'; reason: string }

export type EventType = PortEvent['type']

export const eventTypes = [
  ...['connected', 'disconnected', 'timed_out', 'authenticated', 'break_glass', 'locked', 'unlocked'],
  ...['ended', 'flushed', 'failed', 'tamper', 'reset'],
] as readonly EventType[]

/**
 * What the gate does about a change, in this order: `challenge` greets and asks; `end_dialogue` forgets what
 * was typed; `open_line` makes it transparent; `finish` lets what was recorded
 * reach its end and closes the record; `cut_line` drops everything at once, then closes the record.
 */
export type Effect = 'challenge' | 'end_dialogue' | 'open_line' | 'finish' | 'cut_line'

export interface Step {
  state: PortState
  effects: readonly Effect[]
}

export const initialState: PortState = {
  name: 'IDLE',
  locks: [],
  session: null,
  technician: null,
  reason: null,
}

type Rule<T extends EventType> = (state: PortState, event: Extract<PortEvent, { type: T }>) => Step
type Row = { readonly [T in EventType]?: Rule<T> }

const shut = { session: null, technician: null }

/** Where a port rests: locked as long as anybody is. */
function atRest(locks: readonly string[], reason: string | null): PortState {
  return { ...shut, locks, name: locks.length > 0 ? 'LOCKED' : 'IDLE', reason }
}

const rest =
  (...effects: Effect[]): ((state: PortState, event: { reason?: string }) => Step) =>
  ({ locks }, { reason = null }) => ({ state: atRest(locks, reason), effects })

const stop: (state: PortState, event: { reason: string }) => Step = (state, { reason }) => ({
  state: { ...state, name: 'EMERGENCY_STOP', reason },
  effects: ['cut_line'],
})

const finish: (state: PortState, event: { reason: string }) => Step = (state, { reason }) => ({
  state: { ...state, name: 'FLUSHED', reason },
  effects: ['finish'],
})

const open: Rule<'authenticated'> = (state, { session, technician }) => ({
  state: { name: 'OPEN', locks: state.locks, session, technician, reason: null },
  effects: ['open_line'],
})

const openMarked: Rule<'break_glass'> = (state, { session }) =>
  open(state, { type: 'authenticated', session, technician: 'break-glass' })

const lock: Rule<'locked'> = (state, { lock: added }) => {
  const locks = withLock(state, added)
  return {
    state: { ...shut, name: 'LOCKED', locks, reason: 'too many failures' },
    effects: [],
  }
}

/** A lock that came from another port, or runs its course, changes nothing of what goes on here. */
const noteLock: Rule<'locked'> = (state, { lock: added }) =>
  stays({ ...state, locks: withLock(state, added) })
const dropLocks: Rule<'unlocked'> = (state, { locks }) =>
  stays({ ...state, locks: state.locks.filter((one) => !locks.includes(one)) })

const table: Readonly<Record<StateName, Row>> = {
  IDLE: {
    connected: (state) => ({ state: { ...state, name: 'CHALLENGE', reason: null }, effects: ['challenge'] }),
    locked: lock,
    tamper: stop,
  },
  CHALLENGE: {
    disconnected: rest('end_dialogue'),
    timed_out: ({ locks }) => ({
      state: atRest(locks, 'two minutes without success'),
      effects: ['end_dialogue'],
    }),
    authenticated: open,
    // Asked of nobody but where codes are refused while the clock is not to be trusted.
    break_glass: openMarked,
    locked: lock,
    tamper: stop,
  },
  OPEN: {
    disconnected: finish,
    ended: finish,
    failed: stop,
    tamper: stop,
    locked: noteLock,
    unlocked: dropLocks,
  },
  FLUSHED: {
    flushed: ({ locks, reason }) => ({ state: atRest(locks, reason), effects: [] }),
    failed: stop,
    tamper: stop,
    locked: noteLock,
    unlocked: dropLocks,
  },
  LOCKED: {
    connected: (state) => ({ state, effects: ['challenge'] }),
    disconnected: (state) => ({ state, effects: ['end_dialogue'] }),
    timed_out: (state) => ({ state, effects: ['end_dialogue'] }),
    // One technician's typing errors do not stop another; the port's own lock stops everybody.
    authenticated: (state, event) => (state.locks.includes(wholePort) ? stays(state) : open(state, event)),
    break_glass: openMarked,
    locked: lock,
    unlocked: (state, event) => {
      const { locks } = dropLocks(state, event).state
      return locks.length > 0
        ? stays({ ...state, locks })
        : { state: atRest(locks, 'unlocked'), effects: ['end_dialogue'] }
    },
    tamper: stop,
  },
  EMERGENCY_STOP: {
    locked: noteLock,
    unlocked: dropLocks,
    reset: rest(),
  },
}

/** What becomes of the port. An event that means nothing where it is changes nothing. */
export function stepPort(state: PortState, event: PortEvent): Step {
  const rule = table[state.name][event.type] as Rule<EventType> | undefined
  return rule ? rule(state, event) : stays(state)
}

function withLock({ locks }: PortState, lock: string): readonly string[] {
  return locks.includes(lock) ? locks : [...locks, lock]
}

function stays(state: PortState): Step {
  return { state, effects: [] }
}

/** What outlives a restart: a lock and an emergency stop. A session that a crash ended is over. */
export function afterRestart(saved: PortState): PortState {
  return saved.name === 'EMERGENCY_STOP' ? { ...saved, ...shut } : atRest(saved.locks, saved.reason)
}
