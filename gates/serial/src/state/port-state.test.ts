import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  afterRestart,
  type Effect,
  type EventType,
  eventTypes,
  initialState,
  type PortEvent,
  type PortState,
  type StateName,
  stateNames,
  stepPort,
  wholePort,
} from './port-state.ts'

const eventOf: Record<EventType, PortEvent> = {
  connected: { type: 'connected' },
  disconnected: { type: 'disconnected', reason: 'hang-up' },
  timed_out: { type: 'timed_out' },
  authenticated: { type: 'authenticated', session: 's', technician: 'alice' },
  break_glass: { type: 'break_glass', session: 's' },
  locked: { type: 'locked', lock: 'bob' },
  unlocked: { type: 'unlocked', locks: ['bob'] },
  ended: { type: 'ended', reason: 'limit' },
  flushed: { type: 'flushed' },
  failed: { type: 'failed', reason: 'device lost' },
  tamper: { type: 'tamper', reason: 'case open' },
  reset: { type: 'reset', reason: 'looked at' },
}

const stateOf: Record<StateName, PortState> = {
  IDLE: initialState,
  CHALLENGE: { ...initialState, name: 'CHALLENGE' },
  OPEN: { ...initialState, name: 'OPEN', session: 's', technician: 'alice' },
  FLUSHED: { ...initialState, name: 'FLUSHED', session: 's', technician: 'alice' },
  LOCKED: { ...initialState, name: 'LOCKED', locks: ['bob'] },
  EMERGENCY_STOP: { ...initialState, name: 'EMERGENCY_STOP', reason: 'tamper' },
}

/** Written down a second time, from the table that people are shown; what is not here changes nothing. */
const moves: Partial<Record<`${StateName} ${EventType}`, [StateName, ...Effect[]]>> = {
  'IDLE connected': ['CHALLENGE', 'challenge'],
  'IDLE locked': ['LOCKED'],
  'IDLE tamper': ['EMERGENCY_STOP', 'cut_line'],
  'CHALLENGE disconnected': ['IDLE', 'end_dialogue'],
  'CHALLENGE timed_out': ['IDLE', 'end_dialogue'],
  'CHALLENGE authenticated': ['OPEN', 'open_line'],
  'CHALLENGE break_glass': ['OPEN', 'open_line'],
  'CHALLENGE locked': ['LOCKED'],
  'CHALLENGE tamper': ['EMERGENCY_STOP', 'cut_line'],
  'OPEN disconnected': ['FLUSHED', 'finish'],
  'OPEN ended': ['FLUSHED', 'finish'],
  'OPEN failed': ['EMERGENCY_STOP', 'cut_line'],
  'OPEN tamper': ['EMERGENCY_STOP', 'cut_line'],
  'FLUSHED flushed': ['IDLE'],
  'FLUSHED failed': ['EMERGENCY_STOP', 'cut_line'],
  'FLUSHED tamper': ['EMERGENCY_STOP', 'cut_line'],
  'LOCKED connected': ['LOCKED', 'challenge'],
  'LOCKED disconnected': ['LOCKED', 'end_dialogue'],
  'LOCKED timed_out': ['LOCKED', 'end_dialogue'],
  'LOCKED authenticated': ['OPEN', 'open_line'],
  'LOCKED break_glass': ['OPEN', 'open_line'],
  'LOCKED locked': ['LOCKED'],
  'LOCKED unlocked': ['IDLE', 'end_dialogue'],
  'LOCKED tamper': ['EMERGENCY_STOP', 'cut_line'],
  'EMERGENCY_STOP reset': ['IDLE'],
}

const pairs = stateNames.flatMap((state) => eventTypes.map((event) => [state, event] as const))

describe('a port', () => {
  it.each(pairs)('in %s, on %s', (name, type) => {
    const { state, effects } = stepPort(stateOf[name], eventOf[type])
    expect([state.name, ...effects]).toEqual(moves[`${name} ${type}`] ?? [name])
  })

  it('is opened by nobody while the port as a whole is locked, but in an emergency', () => {
    const locked = { ...stateOf.LOCKED, locks: ['bob', wholePort] }
    expect(stepPort(locked, eventOf.authenticated)).toEqual({ state: locked, effects: [] })
    expect(stepPort(locked, eventOf.break_glass).state).toMatchObject({
      name: 'OPEN',
      technician: 'break-glass',
    })
  })

  it('goes back to LOCKED after the session of somebody else', () => {
    const opened = stepPort(stateOf.LOCKED, eventOf.authenticated).state
    const flushed = stepPort(opened, eventOf.disconnected).state
    expect(stepPort(flushed, eventOf.flushed).state).toMatchObject({
      name: 'LOCKED',
      locks: ['bob'],
      session: null,
    })
  })

  it('keeps every rule on random walks', () => {
    const events = fc.constantFrom(...eventTypes.map((type) => eventOf[type]))
    fc.assert(
      fc.property(fc.array(events, { maxLength: 60 }), (walk) => {
        let state = initialState
        for (const event of walk) {
          const { state: next, effects } = stepPort(state, event)
          // A line opens by proof alone, from a state that asked for one.
          if (next.name === 'OPEN' && state.name !== 'OPEN') {
            expect(['authenticated', 'break_glass']).toContain(event.type)
            expect(['CHALLENGE', 'LOCKED']).toContain(state.name)
            expect(effects).toEqual(['open_line'])
          } else expect(effects).not.toContain('open_line')
          // Whatever leaves OPEN takes its record along: finished, or cut.
          if (state.name === 'OPEN' && next.name !== 'OPEN')
            expect(['finish', 'cut_line']).toContain(effects[0])
          if (event.type === 'tamper') expect(next.name).toBe('EMERGENCY_STOP')
          if (state.name === 'EMERGENCY_STOP' && event.type !== 'reset')
            expect(next.name).toBe('EMERGENCY_STOP')
          expect(next.session !== null).toBe(
            ['OPEN', 'FLUSHED'].includes(next.name) ||
              (next.name === 'EMERGENCY_STOP' && next.session !== null),
          )
          if (next.name === 'IDLE' || next.name === 'CHALLENGE') expect(next.locks).toEqual([])
          // A restart keeps locks and stops, and opens nothing.
          const restarted = afterRestart(next)
          expect(restarted.locks).toEqual(next.locks)
          expect(restarted.name).toBe(
            next.name === 'EMERGENCY_STOP' ? next.name : next.locks.length > 0 ? 'LOCKED' : 'IDLE',
          )
          state = next
        }
      }),
      { numRuns: 2_000 },
    )
  })
})
