import type { Authority, Conversation, Verdict } from '../decide/authority.ts'
import { emptyLine, feedLine, type TypedLine } from '../dialogue/line-discipline.ts'
import { onLines, phrases } from '../dialogue/phrases.ts'
import { wholePort } from '../state/port-state.ts'
import type { Timers } from '../timers.ts'

const second = 1_000
const longestWait = 8
const breakGlassWord = /^\s*break-glass\s+(\S+)\s*$/

export interface DialogueOptions {
  banner: string
  authority: Authority
  port: string
  timers: Timers
  say(text: string): void
  locks(): readonly string[]
  deviceIsThere(): Promise<boolean>
  redeem(code: string): Promise<string | null>
  granted(verdict: Extract<Verdict, { kind: 'granted' }>, typedAt: number): void
  glassBroken(session: string, typedAt: number): void
  locked(lock: string): void
  /** The answer cannot be had: the store or the vault does not do its work (P8). */
  unavailable(error: unknown): void
}

export interface Dialogue {
  greet(): void
  type(bytes: Uint8Array): void
  end(): void
}

/**
 * What a technician is asked, and how a wrong answer is met. While an answer is looked at, and while the gate
 * waits after a failure, whatever is typed is dropped: none of it becomes part of a later line.
 */
export function createDialogue(options: DialogueOptions, memory: { failures: number }): Dialogue {
  const { authority, port, timers, say, locks } = options
  let line: TypedLine = emptyLine
  let conversation: Conversation = authority.converse(port)
  let masked = false
  let busy = false
  let ended = false
  let cancelWait = () => {}

  function tell(...lines: string[]): void {
    say(lines.map(onLines).join(''))
  }

  function ask(): void {
    busy = false
    // Only the end of the last line is still of interest.
    line = { ...emptyLine, afterReturn: line.afterReturn }
    say(phrases.prompt)
  }

  function startOver(): void {
    conversation = authority.converse(port)
    masked = false
  }

  function tellLock(lock: string): void {
    tell(lock === wholePort ? phrases.portLocked : phrases.technicianLocked(lock), phrases.breakGlassHint)
  }

  /** `again`: the step that may be tried once more; without it the chain starts over. */
  function fail(again?: string): void {
    if (again === undefined) startOver()
    else masked = true
    const wait = Math.min(longestWait, 2 ** memory.failures)
    memory.failures += 1
    cancelWait = timers.after(wait * second, () => {
      if (ended) return
      if (again !== undefined) tell(phrases.next(again))
      ask()
    })
  }

  /** A locked gate must not cost a patient, and no more must a dead battery of its clock. */
  async function codesAreRefused(): Promise<boolean> {
    return locks().length > 0 || !(await authority.clock()).trusted
  }

  async function answer(text: string): Promise<void> {
    const typedAt = timers.monotonic()
    if (text.trim() === '') {
      ask()
      return
    }
    const deviceIsThere = await options.deviceIsThere()
    if (ended) return
    if (!deviceIsThere) {
      tell(phrases.noDevice)
      ask()
      return
    }
    const emergency = breakGlassWord.exec(text)
    if (emergency && (await codesAreRefused())) {
      const session = await options.redeem(emergency[1]!)
      if (ended) return
      if (session !== null) {
        options.glassBroken(session, typedAt)
        return
      }
      tell(phrases.failed)
      fail()
      return
    }
    const verdict = await conversation.judge(text)
    if (!ended) meet(verdict, typedAt)
  }

  function meet(verdict: Verdict, typedAt: number): void {
    switch (verdict.kind) {
      case 'granted':
        memory.failures = 0
        options.granted(verdict, typedAt)
        break
      case 'next':
        masked = true
        tell(...(verdict.unread ? [phrases.unread] : []), phrases.next(verdict.label))
        ask()
        break
      case 'clock':
        tell(phrases.clockUntrusted(verdict.reason, verdict.mend))
        startOver()
        ask()
        break
      case 'failed':
      case 'locked':
        if (verdict.kind === 'failed') tell(phrases.failed)
        if (verdict.lock !== null) {
          options.locked(verdict.lock)
          tellLock(verdict.lock)
        }
        fail(verdict.kind === 'failed' ? verdict.again : undefined)
    }
  }

  return {
    greet() {
      say(`${options.banner}\r\n`)
      for (const lock of locks()) tellLock(lock)
      say(phrases.prompt)
    },

    type(bytes) {
      if (busy || ended) return
      const fed = feedLine(line, bytes, { masked })
      line = fed.line
      if (fed.echo !== '') say(fed.echo)
      if (fed.ended === null) return
      // What stands behind the end of the line in this very chunk was dropped with it.
      busy = true
      if ('refused' in fed.ended) {
        tell(phrases.refusedLine(fed.ended.refused))
        ask()
        return
      }
      answer(fed.ended.text).catch((error: unknown) => {
        options.unavailable(error)
        if (ended) return
        tell(phrases.unavailable)
        fail()
      })
    },

    end() {
      ended = true
      cancelWait()
    },
  }
}
