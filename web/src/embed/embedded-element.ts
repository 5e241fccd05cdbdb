import styles from './embed.css?inline'
import { button, h } from './markup.ts'
import { createRelay } from './relay.ts'
import { createStage, type Stage } from './stage.ts'
import { wordsFor } from './words.ts'

const sheet = new CSSStyleSheet()
sheet.replaceSync(styles)

interface Opened {
  end: AbortController
  dialog: HTMLDialogElement | null
  settled: object | null
  held: boolean
}

/**
 * What both elements are: they stand in the page and begin at once, or with the attribute `modal` wait to be
 * opened over it. What happens is told by events; whether anybody is signed in, only the page's own server
 * can say.
 */
export abstract class EmbeddedElement extends HTMLElement {
  readonly #root = this.attachShadow({ mode: 'open' })
  #open: Opened | null = null

  constructor() {
    super()
    this.#root.adoptedStyleSheets = [sheet]
  }

  /** Shows the first thing. */
  protected abstract begin(stage: Stage): void

  connectedCallback(): void {
    if (!this.hasAttribute('modal')) this.open()
  }

  disconnectedCallback(): void {
    this.#shut()
  }

  /** Begins anew; with the attribute `modal`, over the page. */
  open(): void {
    const endpoint = this.getAttribute('endpoint')
    if (endpoint === null) throw new Error(`<${this.localName}> needs the attribute endpoint`)
    this.#shut()
    const end = new AbortController()
    const { signal } = end
    const { language, words } = wordsFor(this)
    const { stage, node } = createStage({
      ...{ language, words, signal },
      call: createRelay({
        endpoint: new URL(endpoint, this.baseURI).href,
        headers: JSON.parse(this.getAttribute('headers') ?? '{}'),
        signal,
      }),
      takesFocus: this.hasAttribute('modal') || this.hasAttribute('autofocus'),
      onError: (error) => this.#tell('error', error),
      onSettled: (answer) => {
        if (this.#open) this.#open.settled = answer
      },
      onHold: (held) => this.#hold(held),
      onComplete: (answer) => this.#complete(answer),
      onCancel: () => this.close(),
    })
    node.lang = language
    const dialog = this.hasAttribute('modal') ? this.#frame(node, words.common.close) : null
    this.#open = { end, dialog, settled: null, held: false }
    this.#root.replaceChildren(dialog ?? node)
    dialog?.showModal()
    stage.show({ title: words.common.loading, content: [] })
    this.begin(stage)
  }

  /** As by Escape: what was begun is left, what is done stays done. */
  close(): void {
    const settled = this.#open?.settled
    if (settled) this.#complete(settled)
    else if (this.#shut()) this.#tell('cancel', null)
  }

  #complete(answer: object): void {
    if (!this.#shut()) return
    const { words } = wordsFor(this)
    if (!this.hasAttribute('modal'))
      this.#root.append(h('p', { role: 'status', part: 'status' }, words.verify.confirmed))
    this.#tell('complete', answer)
  }

  #frame(node: HTMLElement, close: string): HTMLDialogElement {
    const press = button('×', 'quiet', () => this.close())
    press.classList.add('close')
    press.setAttribute('aria-label', close)
    const cancel = (event: Event) => {
      event.preventDefault()
      // Codes that are shown this once are not to be lost by a key pressed in passing.
      if (!this.#open?.held) this.close()
    }
    // The browser shuts it by itself where Escape is pressed twice, and is not asked.
    const shut = () => {
      if (this.#open?.dialog !== dialog) return
      if (this.#open.held) dialog.showModal()
      else this.close()
    }
    const dialog = h(
      'dialog',
      { part: 'dialog', 'aria-labelledby': 'title', cancel, close: shut },
      node,
      press,
    )
    return dialog
  }

  #hold(held: boolean): void {
    if (!this.#open) return
    this.#open.held = held
    const press = this.#open.dialog?.querySelector<HTMLButtonElement>('.close')
    if (press) press.disabled = held
  }

  /** Ends what is under way; answers whether there was something. */
  #shut(): boolean {
    const { end, dialog } = this.#open ?? {}
    this.#open = null
    end?.abort()
    // Closing gives the focus back to where it came from.
    dialog?.close()
    this.#root.replaceChildren()
    return end !== undefined
  }

  #tell(what: 'complete' | 'cancel' | 'error', detail: unknown): void {
    this.dispatchEvent(new CustomEvent(`sallyport-${what}`, { detail, bubbles: true, composed: true }))
  }
}
