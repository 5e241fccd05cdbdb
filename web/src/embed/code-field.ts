import { isSix } from '../texts/code-lengths.ts'
import { field, h } from './markup.ts'
import type { Words } from './words.ts'

export interface CodeField {
  box: HTMLElement
  input: HTMLInputElement
  /** Takes the code back after it was wrong. */
  clear(): void
}

/** One field, so that paste, autofill and screen readers find what they know; a place to look at for each digit. */
export function codeField(
  { verify }: Pick<Words, 'verify'>,
  lengths: readonly number[],
  onComplete: () => void,
): CodeField {
  const label = isSix(lengths) ? verify.code : verify.anyCode
  const most = Math.max(...lengths)
  const { box, input } = field(label, {
    inputmode: 'numeric',
    autocomplete: 'one-time-code',
    class: 'digits',
  })
  const seen = Array.from({ length: most }, () => h('span', { 'aria-hidden': 'true', part: 'digit' }))
  const row = h('div', { class: isSix(lengths) ? 'places' : 'places long' })
  row.append(input, ...seen)
  box.append(row)

  function mark(wrong: boolean): void {
    row.toggleAttribute('data-wrong', wrong)
    input.setAttribute('aria-invalid', String(wrong))
  }

  let before = ''
  function draw(): void {
    const code = input.value.replaceAll(/\D/g, '').slice(0, most)
    if (input.value !== code) input.value = code
    for (const [place, span] of seen.entries()) {
      span.textContent = code[place] ?? ''
      span.classList.toggle('next', place === Math.min(code.length, most - 1))
    }
    if (code !== '') mark(false)
    // A shorter one may be half of a longer one: that is for the button to say.
    const complete = code.length === most && code !== before
    before = code
    if (complete) onComplete()
  }
  input.addEventListener('input', draw)
  draw()
  return {
    ...{ box, input },
    clear() {
      input.value = ''
      draw()
      mark(true)
    },
  }
}
