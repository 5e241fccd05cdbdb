import { ProblemError } from '@sallyport/sdk'
import { createMailed } from '../sign-in/mailed.ts'
import { describeWait } from '../texts/describe-problem.ts'
import { choice } from './choice.ts'
import { knowsKeys } from './keys.ts'
import { button, checkbox, h } from './markup.ts'
import { type Method, methodForm, type Proof } from './method-form.ts'
import type { Stage } from './stage.ts'

/** Where an attempt stands, where it has more than one step: `expected` are the methods that this one takes. */
interface Chain {
  step: number
  of: number
  label: string
  expected: readonly Method[]
  digits?: readonly number[]
}

interface Standing {
  methods: readonly Method[]
  /** How many digits the codes of their authenticator apps have, where any has not six. */
  digits?: readonly number[]
  chain?: Chain
  /** Where the page's server lets a browser do without the second factor for so long. */
  remember_days?: number
}

interface Verification {
  title: string
  lead?: string
  onDone(answer: object): void | Promise<void>
}

const lastMethod = 'sallyport.method'

/** Asks for proof until the page's own server says that there is enough of it. */
export async function showVerification(stage: Stage, { title, lead, onDone }: Verification): Promise<void> {
  const { words, call } = stage
  const { verify, methods: names, common, problems } = words
  let standing: Standing = await call('status')
  const { remember_days: days } = standing
  const mailed = createMailed()
  const trust = days === undefined ? null : checkbox(verify.remember(days))

  /** What this step takes and this browser can give; what was used last comes first. */
  function ways(): Method[] {
    const expected = standing.chain?.expected ?? standing.methods
    const usable = expected.filter((one) => one in names && (one !== 'webauthn' || knowsKeys()))
    const order: readonly Method[] = ['webauthn', 'totp', 'yubikey', 'email', 'backup']
    const rank = (one: Method) => (one === remembered() ? -1 : order.indexOf(one))
    return usable.toSorted((a, b) => rank(a) - rank(b))
  }

  function show(method = ways()[0]): void {
    const { chain } = standing
    const leave = button(common.cancel, 'quiet', stage.cancel)
    if (method === undefined) {
      stage.show({ title, content: [h('p', {}, problems.nothing_enrolled), leave] })
      return
    }
    const { content, focus, begin } = methodForm(stage, method, {
      submit: (proof) => submit(method, proof),
      ...{ mailed, ways: ways(), digits: (chain ?? standing).digits },
    })
    const steps = chain && chain.of > 1 ? stepsOf(stage, chain) : null
    const led = lead === undefined ? null : h('p', {}, lead)
    stage.show({ title, content: [steps, led, ...content, trust?.box ?? null, others(method), leave], focus })
    begin?.()
  }

  async function submit(method: Method, proof: Proof): Promise<void> {
    try {
      const body = { ...proof, method, ...(trust?.input.checked && { remember_device: true }) }
      const answer = await call<{ mfa_required?: boolean; chain?: Chain }>('verify', body)
      remember(method)
      if (method === 'email') mailed.use()
      if (answer.mfa_required !== true) return await onDone(answer)
      goTo(answer.chain, (chain) => [verify.passed(chain.step - 1, chain.of)])
    } catch (error) {
      if (!(error instanceof ProblemError)) throw error
      if (error.code === 'chain_reset') {
        const wait = () => describeWait(error, words, stage.clock, ways())
        return goTo(error.problem.chain as Chain, (chain) => [verify.reset(chain.of), ...wait()])
      }
      stage.tell('')
      if (error.code === 'invalid_token') end()
      throw error
    }
  }

  function goTo(chain: Chain | undefined, said: (chain: Chain) => readonly string[]): void {
    if (chain) standing = { ...standing, chain }
    show()
    stage.tell(chain ? said(chain).join(' ') : '')
  }

  /** The attempt is over: too late, or finished elsewhere. What to do then only the page knows. */
  function end(): void {
    const leave = button(verify.startAgain, 'main', stage.cancel)
    stage.show({ title, content: [leave], focus: leave })
  }

  function others(method: Method): HTMLElement | null {
    const rest = ways().filter((one) => one !== method)
    if (rest.length === 0) return null
    const choose = (one: Method) => () => {
      stage.tell('')
      show(one)
    }
    const choices = rest.map((one) => choice(names[one], choose(one)))
    // As many as are taken in at a glance; more wait until they are asked for.
    return rest.length <= 3
      ? h('div', { class: 'others' }, h('p', { part: 'others' }, verify.others), ...choices)
      : h('details', {}, h('summary', { part: 'others' }, verify.others), ...choices)
  }

  show()
}

/** Which of several steps comes now, in words and as doors. */
function stepsOf({ words }: Stage, { step, of, label }: Chain): HTMLElement {
  const doors = Array.from({ length: of }, (_, index) =>
    h('span', { class: index + 1 < step ? 'passed' : index + 1 === step ? 'now' : 'ahead' }),
  )
  const text = h('p', {}, h('strong', {}, words.common.step(step, of)), label === '' ? '' : ` · ${label}`)
  return h('div', { class: 'steps' }, h('div', { class: 'doors', 'aria-hidden': 'true' }, ...doors), text)
}

// Pages may be kept from storing anything, and then every opening is the first.
function remembered(): string | null {
  try {
    return localStorage.getItem(lastMethod)
  } catch {
    return null
  }
}

function remember(method: Method): void {
  try {
    localStorage.setItem(lastMethod, method)
  } catch {}
}
