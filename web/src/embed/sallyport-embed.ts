import { EmbeddedElement } from './embedded-element.ts'
import { button } from './markup.ts'
import { kinds, showSetup } from './setup-view.ts'
import type { Stage } from './stage.ts'
import { showVerification } from './verify-view.ts'

/** `<sallyport-verify endpoint="/mfa">`: asks for a second factor. */
class SallyportVerify extends EmbeddedElement {
  protected begin(stage: Stage): void {
    const { verify, common } = stage.words
    const { title } = verify
    void stage.run(async () => {
      try {
        await showVerification(stage, { title, onDone: stage.complete })
      } catch (error) {
        const again = button(common.retry, 'main', () => this.open())
        stage.show({ title, content: [again, button(common.cancel, 'quiet', stage.cancel)], focus: again })
        throw error
      }
    })
  }
}

/** `<sallyport-setup endpoint="/mfa" methods="totp webauthn">`: sets one up. */
class SallyportSetup extends EmbeddedElement {
  protected begin(stage: Stage): void {
    const wanted = (this.getAttribute('methods') ?? 'totp webauthn').split(/[\s,]+/)
    showSetup(
      stage,
      kinds.filter((kind) => wanted.includes(kind)),
    )
  }
}

customElements.define('sallyport-verify', SallyportVerify)
customElements.define('sallyport-setup', SallyportSetup)
