import { onLines, phrases } from '../dialogue/phrases.ts'
import { keepLine } from '../endpoints/keep-line.ts'
import type { RecordingHeader } from '../recorder/recording.ts'
import { type Effect, type PortEvent, stepPort } from '../state/port-state.ts'
import { createDialogue, type Dialogue } from './dialogue.ts'
import { createGateSession, type GateSession, whyStopped } from './gate-session.ts'
import { createModemLines } from './modem-lines.ts'
import type { PortGate, PortGateOptions } from './port.ts'

const challengeLasts = 2 * 60_000
const longestSilence = 2_000
const firstOpening = 1_000
const endsLine = (byte: number) => byte === 0x0d || byte === 0x0a

/** One door: two lines, the states between them, and whoever asks to pass. */
export function createPortGate(options: PortGateOptions): PortGate {
  const { id, timers, log, authority, breakGlass, rules } = options
  const dropped = { in: 0, out: 0 }
  const memory = { failures: 0 }
  let state = options.saved
  let dialogue: Dialogue | null = null
  let session: GateSession | null = null
  /** The one that the state may still name once it is over. */
  let last: GateSession | null = null
  let challengeOver = () => {}
  let ending: Promise<void> = Promise.resolve()

  const near = keepLine(options.technician, {
    timers,
    log: (facts, message) => log.info({ port: id, side: 'technician', ...facts }, message),
    events: {
      data: fromTechnician,
      lost(reason) {
        modem.lost()
        hangUp(reason)
      },
      signals: (signals) => modem.heard(signals),
      broke: () => session?.passBreak('in'),
    },
  })
  const far = keepLine(options.device, {
    timers,
    log: (facts, message) => log.info({ port: id, side: 'device', ...facts }, message),
    events: {
      data: fromDevice,
      lost: (reason) =>
        void (state.name === 'OPEN' && send({ type: 'failed', reason: `device lost (${reason})` })),
      // what the device says by its modem lines, the technician's computer sees as if it were plugged in
      signals: ({ dsr, cts }) => near.line?.drive({ dtr: dsr, rts: cts }),
      broke: () => session?.passBreak('out'),
    },
  })

  const modem = createModemLines({
    far,
    sessionIsOpen: () => session !== null,
    came: () => dialogue || session || tell({ type: 'connected' }),
    went: () => hangUp('hang-up'),
  })

  const stopped = () => onLines(phrases.stopped(state.reason ?? 'unknown'))

  function say(text: string): void {
    near.line?.write(Buffer.from(text))
  }

  async function send(event: PortEvent): Promise<void> {
    const from = state
    const { state: to, effects } = stepPort(from, event)
    state = to
    // The line is cut before anything else is thought of, the disk above all.
    if (effects.includes('cut_line')) session?.cut()
    const changed = JSON.stringify(from) !== JSON.stringify(to)
    const kept = changed ? options.journal({ port: id, from, to, event }) : Promise.resolve()
    for (const effect of effects) apply(effect)
    if (effects.includes('cut_line')) tellStop(kept)
    await kept
  }

  /** Said once it outlives a crash; a disk that is slow, or fails, does not leave anybody without a word. */
  function tellStop(kept: Promise<void>): void {
    const notice = `\r\n${stopped()}`
    const late = new Promise<void>((resolve) => timers.after(longestSilence, resolve))
    Promise.race([kept.catch(() => {}), late]).then(() => say(notice))
  }

  /** For events of the lines themselves, where nobody waits: a failure to keep one is told in the log. */
  function tell(event: PortEvent): void {
    send(event).catch((error: unknown) => log.error({ port: id, err: error, event: event.type }, 'not kept'))
  }

  function apply(effect: Effect): void {
    if (effect === 'challenge') {
      beginDialogue()
      return
    }
    endDialogue()
    if (effect === 'cut_line') {
      far.cut()
      ending = endSession('cut')
    }
    if (effect === 'finish') ending = endSession('finish')
  }

  /** At a start both lines open at once, and somebody may type before the second is open. */
  async function deviceIsThere(): Promise<boolean> {
    if (far.line === null) {
      await Promise.race([far.tried, new Promise<void>((done) => timers.after(firstOpening, done))])
    }
    return far.line !== null
  }

  function beginDialogue(): void {
    endDialogue()
    const mine = createDialogue(
      {
        ...{ banner: rules.banner, authority, port: id, timers, say },
        locks: () => state.locks,
        deviceIsThere,
        redeem: (code) => breakGlass.redeem(id, code),
        granted: ({ session: granted, technician, openedBy }, typedAt) => {
          void open({ session: granted, technician: { id: technician }, openedBy }, typedAt)
        },
        glassBroken: (granted, typedAt) => {
          const openedBy = [{ factor: 'break-glass', detail: {} }]
          const technician = { id: 'break-glass' }
          void open({ session: granted, technician, openedBy, marked: 'break-glass' }, typedAt)
        },
        locked: (lock) => tell({ type: 'locked', lock }),
        unavailable: (error) => log.error({ port: id, err: error }, 'codes cannot be checked'),
      },
      memory,
    )
    dialogue = mine
    challengeOver = timers.after(challengeLasts, () => {
      say(`\r\n${onLines(phrases.expired)}`)
      tell({ type: 'timed_out' })
    })
    mine.greet()
  }

  function endDialogue(): void {
    challengeOver()
    dialogue?.end()
    dialogue = null
  }

  async function open(
    proven: Pick<RecordingHeader, 'session' | 'technician' | 'openedBy' | 'marked'>,
    typedAt: number,
  ): Promise<void> {
    const { session: granted, technician, marked } = proven
    endDialogue()
    const mine = createGateSession({
      ...{ id: granted, rules, timers, near, far, typedAt },
      recorder: options.recorder,
      header: options.header(proven),
      greeting: marked ? phrases.openedByBreakGlass(granted) : phrases.opened(granted),
      onEvent: (event) => session === mine && tell(event),
      onGap: (error) => {
        log.error({ port: id, session: granted, err: error }, 'a gap in the recording')
        options
          .note('recording.gap', { port: id, session: granted, technician: technician.id })
          .catch(() => {})
      },
    })
    session = mine
    last = mine
    try {
      const kept = send(
        marked
          ? { type: 'break_glass', session: granted }
          : { type: 'authenticated', session: granted, technician: technician.id },
      )
      // The state steps in this very turn: where it took no session, there is none.
      if (state.session !== granted) notOpened()
      await kept
      if (state.name !== 'OPEN' || state.session !== granted) return
      modem.drive()
      await mine.open()
    } catch (error) {
      log.error({ port: id, session: granted, err: error }, 'the session cannot be recorded')
      tell({ type: 'failed', reason: whyStopped(error, 'the session cannot be recorded') })
    }
  }

  /** Proven, and yet not to pass: the port was locked, or stopped, since the code was asked for. */
  function notOpened(): void {
    session = null
    say(onLines(phrases.notOpened))
    if (state.name === 'CHALLENGE' || state.name === 'LOCKED') beginDialogue()
  }

  async function endSession(how: 'finish' | 'cut'): Promise<void> {
    const mine = session
    const reason = state.reason ?? 'ended'
    if (mine === null) return
    try {
      const closed = await mine.close(reason, how)
      if (closed) {
        const { frames, digest, bytes } = closed
        const counts = { frames, digest, bytes_in: bytes.in, bytes_out: bytes.out }
        const of = { port: id, session: mine.id, technician: mine.technician }
        await options.note('session.closed', { ...of, reason, ...counts })
      }
      if (session === mine) session = null
      if (how === 'finish') {
        say(`\r\n${onLines(phrases.ended(reason))}`)
        await send({ type: 'flushed' })
      }
    } catch (error) {
      log.error({ port: id, session: mine.id, err: error }, 'the record could not be closed')
      if (session === mine) session = null
      if (how === 'finish') tell({ type: 'failed', reason: 'the record could not be closed' })
    }
  }

  function fromTechnician(bytes: Buffer): void {
    if (session) {
      if (!session.pass('in', bytes)) dropped.in += bytes.length
      return
    }
    if (dialogue) {
      dialogue.type(bytes)
      return
    }
    if (state.name === 'IDLE' || state.name === 'LOCKED') {
      tell({ type: 'connected' })
      // A lone Enter only wakes the gate; anything more is the beginning of a line.
      if (!bytes.every(endsLine)) (dialogue as Dialogue | null)?.type(bytes)
      return
    }
    dropped.in += bytes.length
    if (state.name === 'EMERGENCY_STOP' && bytes.some(endsLine)) say(`\r\n${stopped()}`)
  }

  function fromDevice(bytes: Buffer): void {
    if (!session?.pass('out', bytes)) dropped.out += bytes.length
  }

  function hangUp(reason: string): void {
    tell({ type: 'disconnected', reason })
  }

  return {
    id,
    send,
    mark: () => session?.mark() ?? null,
    status() {
      const named = last?.id === state.session ? last : null
      const bytes = named?.bytes() ?? { in: 0, out: 0 }
      const there = (line: unknown) => (line === null ? 'absent' : 'open') as 'open' | 'absent'
      return {
        ...{ id, state: state.name, technician: state.technician, session_id: state.session },
        ...{ bytes_in: bytes.in, bytes_out: bytes.out, reason: state.reason, locked: state.locks },
        ...{ dropped_in: dropped.in, dropped_out: dropped.out },
        endpoints: { technician: there(near.line), device: there(far.line) },
      }
    },
    async stop() {
      if (state.name === 'OPEN') await send({ type: 'ended', reason: 'the gate was stopped' })
      await ending
      endDialogue()
      near.stop()
      far.stop()
    },
  }
}
