import type { Body } from '@sallyport/sdk'
import { ProblemError } from '@sallyport/sdk'
import type { Mailed } from '../sign-in/mailed.ts'
import { sixDigits } from '../texts/code-lengths.ts'
import { codeField } from './code-field.ts'
import { askForKey } from './keys.ts'
import { button, field, form, h } from './markup.ts'
import type { Stage } from './stage.ts'

export type Method = NonNullable<Body<'POST /api/mfa/verify'>['method']>

/** What proves it: something typed, or what a key signed. */
export type Proof = { code: string } | { response: object }

export interface MethodForm {
  content: readonly HTMLElement[]
  focus: HTMLElement
  /** What is to be done once it is seen. */
  begin?(): void
}

export interface MethodFormOptions {
  /** Only called while nothing else is under way. */
  submit(proof: Proof): Promise<void>
  /** The last code that was mailed for it. */
  mailed: Mailed
  /** All ways that there are. */
  ways: readonly Method[]
  /** How many digits the codes of their authenticator apps have, where any has not six. */
  digits: readonly number[] | undefined
}

/** One way of proving it: what to do, and where. */
export function methodForm(
  stage: Stage,
  method: Method,
  { submit, mailed, ways, digits }: MethodFormOptions,
): MethodForm {
  const { verify } = stage.words
  if (method === 'webauthn') return keyForm(stage, submit)
  const lead = method === 'email' ? emailSender(stage, mailed) : { node: h('p', {}, verify[method]) }
  const typed =
    method === 'totp' || method === 'email'
      ? codeField(stage.words, (method === 'totp' && digits) || sixDigits, () => void send())
      : textField(stage, method)
  const { box, input, clear } = typed

  async function send(): Promise<void> {
    // As pasted, with what stood around it; a blank may stand where the code has a hyphen.
    const code = input.value.replaceAll(/\s/g, '')
    if (code === '') return input.focus()
    const ended = await stage.run(() => submit({ code }), ways)
    if (ended !== 'failed' || !input.isConnected) return
    clear()
    input.focus()
  }

  return {
    content: [form(verify.submit, () => void send(), lead.node, box)],
    focus: input,
    ...('send' in lead && { begin: lead.send }),
  }
}

function textField({ words: { verify } }: Stage, method: 'backup' | 'yubikey') {
  const label = method === 'backup' ? verify.backupCode : verify.yubikeyCode
  const { box, input } = field(label, { class: 'mono', autocapitalize: 'characters' })
  const clear = () => {
    input.value = ''
  }
  return { box, input, clear }
}

/** A button, since browsers want to be asked for a key by a hand. */
function keyForm(stage: Stage, submit: (proof: Proof) => Promise<void>): MethodForm {
  const { verify } = stage.words
  const press = button(verify.useKey, 'main', () => {
    void stage.run(async () => {
      const options = await stage.call<object>('challenge', { method: 'webauthn' })
      await submit({ response: await askForKey(options, stage.signal) })
    })
  })
  return { content: [h('p', {}, verify.webauthn), press], focus: press }
}

/** Sends a code at once, unless there is one in force, and another when asked to, after a pause. */
function emailSender(stage: Stage, mailed: Mailed): { node: HTMLElement; send(): void } {
  const { verify } = stage.words
  const said = h('p', { role: 'status' }, verify.email)
  const again = button(verify.send, 'quiet', send)

  function send(): void {
    void stage.run(async () => {
      try {
        const sent = await stage.call<{ expires_in_minutes?: number }>('challenge', { method: 'email' })
        mailed.note(sent.expires_in_minutes ?? 10)
      } catch (error) {
        if (!(error instanceof ProblemError && error.code === 'too_many_attempts' && error.retryAt))
          throw error
        said.textContent = verify.emailStopped(stage.clock(error.retryAt))
        return
      }
      said.textContent = verify.emailSent(mailed.last!.minutes)
      countDown()
    })
  }

  function countDown(): void {
    if (stage.signal.aborted || !again.isConnected) return
    const left = mailed.wait()
    again.disabled = left > 0
    again.textContent = left > 0 ? verify.resendIn(left) : verify.resend
    if (left > 0) setTimeout(countDown, 1_000)
  }

  function begin(): void {
    if (mailed.isDue()) {
      send()
      return
    }
    said.textContent = mailed.last?.used ? verify.emailUsed : verify.emailLast(stage.clock(mailed.until()))
    countDown()
  }

  return { node: h('div', {}, said, again), send: begin }
}
