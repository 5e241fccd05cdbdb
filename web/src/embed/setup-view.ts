import type { Answer } from '@sallyport/sdk'
import { ProblemError } from '@sallyport/sdk'
import { digitsIn } from '../texts/code-lengths.ts'
import { showBackupCodes } from './backup-codes.ts'
import { choice } from './choice.ts'
import { codeField } from './code-field.ts'
import { copyButton } from './copy-button.ts'
import { knowsKeys, makeKey } from './keys.ts'
import { button, field, form, h } from './markup.ts'
import { picture } from './picture.ts'
import type { Stage } from './stage.ts'
import { showVerification } from './verify-view.ts'

export const kinds = ['totp', 'webauthn', 'yubikey'] as const
export type Kind = (typeof kinds)[number]

type Begun = Answer<'POST /api/mfa/enroll'>

/** Choose a way, connect it, confirm it, keep the backup codes. */
export function showSetup(stage: Stage, wanted: readonly Kind[]): void {
  const { words, call } = stage
  const { setup, methods, common, verify } = words
  const offered = wanted.filter((kind) => kind !== 'webauthn' || knowsKeys())
  const connect = { totp: connectTotp, webauthn: connectKey, yubikey: connectYubikey }

  function choose(): void {
    stage.tell('')
    const rows = offered.map((kind, index) =>
      choice(
        methods[kind],
        () => begin(kind),
        index === 0 && offered.length > 1 ? setup.recommended : undefined,
      ),
    )
    const lead = offered.length === 0 ? setup.nothing : setup.choose
    const leave = button(common.cancel, 'quiet', stage.cancel)
    stage.show({ title: setup.title, content: [h('p', {}, lead), ...rows, leave] })
  }

  const begin = (kind: Kind) => void stage.run(() => proven(kind, connect[kind]))

  /** Whoever has a factor already proves it before another is connected. */
  async function proven(kind: Kind, work: () => Promise<void>): Promise<void> {
    try {
      await work()
    } catch (error) {
      if (!(error instanceof ProblemError && error.code === 'step_up_required')) throw error
      await showVerification(stage, { title: verify.again, lead: verify.againLead, onDone: connect[kind] })
    }
  }

  const back = () =>
    offered.length > 1 ? button(common.back, 'quiet', choose) : button(common.cancel, 'quiet', stage.cancel)

  async function connectTotp(): Promise<void> {
    const texts = setup.totp
    const begun = await call<Begun>('enroll', {})
    const typed = codeField(words, digitsIn(begun.provisioning_uri), () => void send())
    const open = h('a', { href: begun.provisioning_uri, part: 'link' }, texts.open)
    // Nobody scans their own screen.
    const onPhone = matchMedia('(pointer: coarse)').matches
    const copy = copyButton(stage, begun.secret)
    const manual = h(
      'div',
      { class: 'manual' },
      h('strong', {}, texts.secretTitle),
      h('code', { part: 'secret' }, begun.secret.replaceAll(/(.{4})(?=.)/g, '$1 ')),
      copy,
      onPhone ? null : open,
    )
    const shown = h('div', { class: 'pair' }, await picture(begun.qr_code, texts.qr), manual)
    const confirm = form(verify.submit, () => void send(), h('p', {}, texts.confirm), typed.box)
    stage.tell('')
    stage.show({
      title: texts.title,
      content: [onPhone ? open : null, h('p', {}, texts.scan), shown, confirm, back()],
    })

    async function send(): Promise<void> {
      const code = typed.input.value
      if (code === '') return typed.input.focus()
      const ended = await stage.run(async () => {
        stage.hold(true)
        try {
          await call('verify-enrollment', { code })
        } finally {
          stage.hold(false)
        }
        finish('totp', begun.backup_codes)
      })
      if (ended !== 'failed') return
      typed.clear()
      typed.input.focus()
    }
  }

  async function connectKey(): Promise<void> {
    const texts = setup.webauthn
    const name = field(setup.name, { maxlength: 64, value: texts.preset })
    const send = () =>
      stage.run(() =>
        proven('webauthn', async () => {
          const options = await call<object>('enroll-fido2', { device_name: named(name.input, texts.preset) })
          const response = await makeKey(options, stage.signal)
          await call('enroll-fido2', { response })
          finish('webauthn', [])
        }),
      )
    const content = [h('p', {}, texts.lead), form(texts.begin, () => void send(), name.box), back()]
    stage.show({ title: texts.title, content, focus: name.input })
  }

  async function connectYubikey(): Promise<void> {
    const texts = setup.yubikey
    const name = field(setup.name, { maxlength: 64, value: texts.preset })
    const otp = field(verify.yubikeyCode, { class: 'mono' })
    async function send(): Promise<void> {
      const touched = otp.input.value.trim()
      // Each touch is good for one try.
      otp.input.value = ''
      if (touched === '') return otp.input.focus()
      await stage.run(() =>
        proven('yubikey', async () => {
          await call('enroll-yubikey', { otp: touched, device_name: named(name.input, texts.preset) })
          finish('yubikey', [])
        }),
      )
    }
    const enter = form(verify.submit, () => void send(), name.box, otp.box)
    stage.show({ title: texts.title, content: [h('p', {}, texts.lead), enter, back()], focus: otp.input })
  }

  function finish(method: Kind, codes: readonly string[]): void {
    const answer = { method }
    stage.settle(answer)
    if (codes.length === 0) stage.complete(answer)
    else showBackupCodes(stage, codes, () => stage.complete(answer))
  }

  if (offered.length === 1) begin(offered[0]!)
  else choose()
}

const named = (input: HTMLInputElement, preset: string) => input.value.trim() || preset
