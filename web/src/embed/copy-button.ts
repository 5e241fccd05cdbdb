import { button, h } from './markup.ts'
import type { Stage } from './stage.ts'

/** Pages without TLS have no clipboard: what is shown can be selected there. */
export function copyButton({ words: { common } }: Stage, text: string): HTMLElement | null {
  if (!navigator.clipboard) return null
  const said = h('span', { 'aria-live': 'polite' }, common.copy)
  const press = button('', 'plain', () => {
    const say = (word: string) => () => said.replaceChildren(word)
    void navigator.clipboard.writeText(text).then(say(common.copied), say(common.retry))
  })
  press.append(said)
  return press
}
