type Child = Node | string | null

/** What an element is given: attributes, and a listener under the name of its event. */
type Props = Record<string, string | number | boolean | ((event: Event) => void)>

/** Elements as text would describe them. Nothing is ever read as HTML, so that strict pages need allow nothing. */
export function h<Tag extends keyof HTMLElementTagNameMap>(
  tag: Tag,
  props: Props = {},
  ...children: Child[]
): HTMLElementTagNameMap[Tag] {
  const node = document.createElement(tag)
  for (const [name, value] of Object.entries(props)) {
    if (typeof value === 'function') node.addEventListener(name, value)
    else if (value !== false) node.setAttribute(name, value === true ? '' : String(value))
  }
  node.append(...children.filter((child) => child !== null))
  return node
}

export function button(text: string, look: 'main' | 'plain' | 'quiet', onPress: () => void) {
  return h('button', { type: 'button', class: look, part: `button ${look}`, click: onPress }, text)
}

let fields = 0

/** A field under its label; `hint` says more about what belongs into it. */
export function field(label: string, props: Props = {}): { box: HTMLElement; input: HTMLInputElement } {
  const id = `field-${++fields}`
  const input = h('input', { id, part: 'field', autocomplete: 'off', spellcheck: 'false', ...props })
  return { box: h('div', { class: 'field' }, h('label', { for: id, part: 'label' }, label), input), input }
}

export function checkbox(label: string): { box: HTMLElement; input: HTMLInputElement } {
  const input = h('input', { type: 'checkbox' })
  return { box: h('label', { class: 'check', part: 'label' }, input, label), input }
}

/** Sends what is in it once, by a press of Enter or of its button. */
export function form(submit: string, onSubmit: () => void, ...children: Child[]) {
  const send = (event: Event) => {
    event.preventDefault()
    onSubmit()
  }
  const press = h('button', { type: 'submit', class: 'main', part: 'button main' }, submit)
  // What is missing is said here, in the dialog's own language.
  return h('form', { submit: send, novalidate: true }, ...children, press)
}
