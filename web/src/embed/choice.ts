import { h } from './markup.ts'

/** One way among several, as a row to press. */
export function choice(
  { name, hint }: { name: string; hint: string },
  onChoose: () => void,
  badge?: string,
): HTMLElement {
  const mark = badge === undefined ? null : h('span', { class: 'badge' }, badge)
  return h(
    'button',
    { type: 'button', class: 'choice', part: 'choice', click: onChoose },
    h('strong', {}, name, mark),
    h('span', {}, hint),
  )
}
