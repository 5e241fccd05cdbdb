import { ProblemError } from '@sallyport/sdk'
import { describeProblem } from '../texts/describe-problem.ts'
import { h } from './markup.ts'
import type { Relay } from './relay.ts'
import type { Words } from './words.ts'

/** What one opening of an element shows, says and answers. */
export interface Stage {
  readonly words: Words
  readonly call: Relay
  /** Aborts when the element is closed or taken away. */
  readonly signal: AbortSignal
  /** Puts this in the place of what was shown; the focus goes to what asks for it, or else to the title. */
  show(view: { title: string; content: readonly (Node | string | null)[]; focus?: HTMLElement }): void
  /** Tells how it goes on, in place of what was told before. */
  tell(text: string): void
  /** A time of this day, as people write it. */
  clock(at: Date): string
  /**
   * Does what was asked for, unless something is under way already; tells what went wrong, and which of the `ways`
   * that there are works all the same.
   */
  run(work: () => Promise<void>, ways?: readonly string[]): Promise<'done' | 'failed' | 'busy'>
  /** Closing does not undo what has been done: from here on it ends as this says. */
  settle(answer: object): void
  /** While held, nobody closes it in passing: what it shows, or is about to, is shown this once only. */
  hold(held: boolean): void
  complete(answer: object): void
  cancel(): void
}

export interface StageOptions {
  words: Words
  language: string
  call: Relay
  signal: AbortSignal
  /** Whether the focus may be taken at once, and not only once a person has done something here. */
  takesFocus: boolean
  onError(error: { code: string; status: number }): void
  onSettled(answer: object): void
  onHold(held: boolean): void
  onComplete(answer: object): void
  onCancel(): void
}

/** The stage, and what it is seen as. */
export function createStage(options: StageOptions): { stage: Stage; node: HTMLElement } {
  const { words, language, call, signal, onError } = options
  const title = h('h2', { id: 'title', part: 'title', tabindex: -1 })
  // Both are there from the beginning: readers announce what changes in them.
  const told = h('p', { role: 'status', part: 'status', class: 'told' })
  const warned = h('div', { role: 'alert', part: 'alert', class: 'warned' })
  const content = h('div', { class: 'content' })
  const node = h('section', { class: 'stage', part: 'stage', 'aria-labelledby': 'title' })
  node.append(title, told, warned, content)
  const clock = new Intl.DateTimeFormat(language, { timeStyle: 'medium' })
  let { takesFocus } = options
  let busy = false
  const touched = () => {
    takesFocus = true
  }
  for (const act of ['click', 'input']) node.addEventListener(act, touched)

  const warn = (lines: readonly string[]) =>
    warned.replaceChildren(...lines.map((line) => h('div', {}, line)))

  const stage: Stage = {
    ...{ words, call, signal },
    show({ title: name, content: shown, focus = title }) {
      title.textContent = name
      warn([])
      content.replaceChildren(...shown.filter((one) => one !== null))
      if (takesFocus) focus.focus({ preventScroll: true })
    },
    clock: (at) => clock.format(at),
    tell: (text) => {
      told.textContent = text
    },
    async run(work, ways) {
      if (busy) return 'busy'
      busy = true
      node.toggleAttribute('data-busy', true)
      warn([])
      try {
        await work()
        return 'done'
      } catch (error) {
        if (signal.aborted) return 'done'
        const { code, status } = error instanceof ProblemError ? error : { code: nameOf(error), status: 0 }
        warn(describeProblem(error, words, (at) => clock.format(at), ways))
        onError({ code, status })
        return 'failed'
      } finally {
        busy = false
        node.toggleAttribute('data-busy', false)
      }
    },
    // An answer that comes late is for nobody, and ends nothing that was opened since.
    settle: (answer) => signal.aborted || options.onSettled(answer),
    hold: (held) => signal.aborted || options.onHold(held),
    complete: (answer) => signal.aborted || options.onComplete(answer),
    cancel: () => signal.aborted || options.onCancel(),
  }
  return { stage, node }
}

/** What the browser says when a key was not used: `NotAllowedError` and the like. */
function nameOf(error: unknown): string {
  return error instanceof Error ? error.name : 'unknown'
}
