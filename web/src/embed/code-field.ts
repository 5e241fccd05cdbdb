import { field, h } from './markup.ts'

const places = [0, 1, 2, 3, 4, 5]

export interface CodeField {
  box: HTMLElement
  input: HTMLInputElement
  /** Takes the code back after it was wrong. */
  clear(): void
}

/** One field, so that paste, autofill and screen readers find what they know; six places to look at. */
export function codeField(label: string, onComplete: () => void): CodeField {
  const { box, input } = field(label, {
    inputmode: 'numeric',
    autocomplete: 'one-time-code',
    class: 'digits',
  })
  const seen = places.map(() => h('span', { 'aria-hidden': 'true', part: 'digit' }))
  const row = h('div', { class: 'places' })
  row.append(input, ...seen)
  box.append(row)

  function mark(wrong: boolean): void {
    row.toggleAttribute('data-wrong', wrong)
    input.setAttribute('aria-invalid', String(wrong))
  }

  let before = ''
  function draw(): void {
    const code = input.value.replaceAll(/\D/g, '').slice(0, places.length)
    if (input.value !== code) input.value = code
    for (const [place, span] of seen.entries()) {
      span.textContent = code[place] ?? ''
      span.classList.toggle('next', place === Math.min(code.length, places.length - 1))
    }
    if (code !== '') mark(false)
    const complete = code.length === places.length && code !== before
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
