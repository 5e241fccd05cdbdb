import { copyButton } from './copy-button.ts'
import { button, checkbox, h } from './markup.ts'
import type { Stage } from './stage.ts'

/** Shows the codes this once, and lets nobody go on who has not said that they are kept. */
export function showBackupCodes(stage: Stage, codes: readonly string[], onSaved: () => void): void {
  const texts = stage.words.setup.codes
  // Whose codes these are, for whoever finds the paper years later.
  const paper = `${location.host}\n${texts.title}\n${texts.short}\n\n${codes.join('\n')}\n`
  const list = h('ol', { class: 'codes', part: 'codes' }, ...codes.map((code) => h('li', {}, code)))
  const ways = h(
    'div',
    { class: 'ways' },
    copyButton(stage, codes.join('\n')),
    button(texts.download, 'plain', () => download(`${location.hostname}-backup-codes.txt`, paper)),
    button(texts.print, 'plain', () => print(list, paper)),
  )
  const done = button(texts.finish, 'main', onSaved)
  done.disabled = true
  const saved = checkbox(texts.saved)
  saved.input.addEventListener('change', () => {
    done.disabled = !saved.input.checked
    stage.hold(!saved.input.checked)
  })
  stage.hold(true)
  stage.show({ title: texts.title, content: [h('p', {}, texts.lead), list, ways, saved.box, done] })
}

function download(name: string, text: string): void {
  const url = URL.createObjectURL(new Blob([text], { type: 'text/plain' }))
  h('a', { href: url, download: name }).click()
  URL.revokeObjectURL(url)
}

/** From a frame of its own: of the page around this nothing is printed. */
function print(beside: HTMLElement, text: string): void {
  const frame = h('iframe', { class: 'paper', 'aria-hidden': 'true', tabindex: -1 })
  beside.after(frame)
  const { contentDocument, contentWindow } = frame
  if (!contentDocument || !contentWindow) return
  const sheet = contentDocument.createElement('pre')
  sheet.textContent = text
  contentDocument.body.append(sheet)
  contentWindow.addEventListener('afterprint', () => frame.remove())
  contentWindow.print()
}
