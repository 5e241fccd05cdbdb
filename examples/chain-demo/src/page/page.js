import { createClient } from './client.js'

const authenticators = [
  { id: 'google_auth', label: 'Google Authenticator' },
  { id: 'ms_auth', label: 'Microsoft Authenticator' },
]
const { mode, debugCodes } = document.documentElement.dataset
const codeLength = 6
const longestLog = 8

const ids = [
  'mode',
  'user',
  'authenticators',
  'enrol-error',
  'before',
  'before-text',
  'start',
  'during',
  'chain',
]
ids.push(
  'notice',
  'step',
  'code-label',
  'code',
  'fill',
  'success',
  'success-title',
  'again',
  'wire',
  'wire-empty',
)
const at = Object.fromEntries(ids.map((id) => [id, document.getElementById(id)]))

const client = createClient(log)
/** Factor id → the card that shows it. */
const cards = new Map()
const enrolled = new Set()
/** The attempt that is being walked: `{ session, chain, expected, ended }`. */
let attempt = null
let busy = false

at.mode.textContent = mode === 'random' ? 'random order' : 'fixed order'
at.fill.hidden = debugCodes !== 'on'
at.user.addEventListener('input', forget)
at.start.addEventListener('click', () => once(start))
at.again.addEventListener('click', () => once(start))
at.fill.addEventListener('click', () => once(fillIn))
at.code.addEventListener('input', onCode)
at.step.addEventListener('submit', (event) => {
  event.preventDefault()
  once(verify)
})
forget()

/** One call at a time: a second click or digit meanwhile does nothing, nor does the user become another. */
async function once(work) {
  if (busy) return
  busy = true
  at.user.readOnly = true
  document.body.ariaBusy = 'true'
  try {
    await work()
  } finally {
    busy = false
    at.user.readOnly = false
    document.body.ariaBusy = 'false'
  }
}

/** Another name is another user: what was enrolled here was not theirs. */
function forget() {
  enrolled.clear()
  at.authenticators.replaceChildren(...authenticators.map(emptyCard))
  leave()
}

function leave() {
  attempt = null
  at.before.hidden = false
  at.during.hidden = true
  const missing = authenticators.filter(({ id }) => !enrolled.has(id)).map(({ label }) => label)
  at['before-text'].textContent = missing.length
    ? `First enrol ${missing.join(' and ')} above.`
    : 'Both are enrolled. An attempt lives for five minutes.'
  at.start.disabled = missing.length > 0
}

// ── Enrolling

function emptyCard({ id, label }) {
  const button = element('button', { type: 'button', className: 'primary', textContent: 'Enrol' })
  button.setAttribute('aria-label', `Enrol ${label}`)
  button.addEventListener('click', () => once(() => enrol(id)))
  const text = element('p', { textContent: 'Gives you a QR code to scan.' })
  const card = element('div', { className: 'card' }, element('h3', { textContent: label }), text, button)
  cards.set(id, card)
  return card
}

async function enrol(id) {
  const user = at.user.value.trim()
  at['enrol-error'].textContent = user ? '' : 'Give a name first.'
  if (!user) return at.user.focus()
  const { ok, body } = await client.enroll(user, id)
  if (!ok) {
    at['enrol-error'].textContent = body.detail
    return
  }
  const card = enrolledCard(body)
  cards.get(id).replaceWith(card)
  cards.set(id, card)
  enrolled.add(id)
  leave() // enrolling anew ends open attempts
  card.querySelector('h3').focus()
}

function enrolledCard({ factor_id, label, secret, qr_png }) {
  const title = element('h3', { textContent: label, tabIndex: -1 })
  title.append(element('span', { className: 'badge', textContent: 'enrolled' }))
  const qr = element('img', { src: qr_png, alt: `QR code to scan with ${label}`, className: 'qr' })
  const shown = element('code', { className: 'secret', textContent: secret.replace(/.{4}(?=.)/g, '$& ') })
  const copy = element('button', { type: 'button', textContent: 'Copy secret' })
  copy.addEventListener('click', async () => {
    const copied = await navigator.clipboard.writeText(secret).then(
      () => true,
      () => false,
    )
    if (!copied) getSelection().selectAllChildren(shown)
    copy.textContent = copied ? 'Copied' : 'Selected: copy it'
  })
  const anew = element('button', { type: 'button', className: 'quiet', textContent: 'Replace' })
  anew.setAttribute('aria-label', `Replace the secret of ${label}`)
  anew.addEventListener('click', () => once(() => enrol(factor_id)))
  const hint = element('p', { className: 'hint', textContent: 'Scan it, or type the secret into the app:' })
  const buttons = element('div', { className: 'buttons' }, copy, anew)
  const text = element('div', {}, hint, shown)
  return element(
    'div',
    { className: 'card' },
    title,
    element('div', { className: 'enrolment' }, qr, text, buttons),
  )
}

// ── Walking

async function start() {
  const { ok, body } = await client.start(at.user.value.trim())
  if (!ok) {
    leave()
    at['before-text'].textContent = body.detail
    return
  }
  attempt = { session: body.session_id, chain: body.chain, expected: body.expected_factor_id, ended: false }
  at.before.hidden = true
  at.during.hidden = false
  show()
}

function onCode() {
  const digits = at.code.value.normalize('NFKC').replace(/[^0-9]/g, '')
  at.code.value = digits.slice(0, codeLength)
  if (at.code.value.length === codeLength) once(verify)
}

async function verify() {
  const { session, expected } = attempt
  const from = label(expected)
  const step = { session_id: session, factor_id: expected, user_input: at.code.value }
  const { ok, status, body } = await client.verify(step)
  if (ok && body.authenticated) {
    attempt.ended = true
    show()
  } else if (ok) {
    attempt.expected = body.next_factor_id
    show(notice('good', `${from} passed`, `Now the code of ${body.next_factor_label}.`))
  } else if (body.code === 'chain_reset') {
    attempt.chain = body.chain
    attempt.expected = body.expected_factor_id
    show(resetNotice(from))
  } else if (status === 404) {
    leave()
    at['before-text'].textContent = 'That attempt has ended: it lives for five minutes. Start another one.'
  } else {
    show(notice('bad', 'This did not work', body.detail))
  }
}

async function fillIn() {
  const { ok, body } = await client.currentCode(attempt.session)
  if (!ok) return show(notice('bad', 'No code right now', body.detail))
  at.code.value = body.code
  at.code.focus()
}

function resetNotice(from) {
  const first = label(attempt.chain[0].id)
  const order =
    mode === 'random'
      ? `The order was drawn anew: ${attempt.chain.map((step) => step.label).join(', then ')}.`
      : `The order stays as it was: you begin again with ${first}.`
  const lines = [
    `The code for ${from} did not pass, so the attempt is back at its first step. What was passed before no longer counts.`,
    order,
    'A code that has passed once is spent: wait for the next one in the app.',
  ]
  return notice('bad', 'RESET', ...lines)
}

function notice(kind, title, ...lines) {
  const paragraphs = lines.map((textContent) => element('p', { textContent }))
  return element(
    'div',
    { className: `notice ${kind}` },
    element('strong', { textContent: title }),
    ...paragraphs,
  )
}

/** The attempt as it stands, and what there is to say about it. */
function show(said) {
  const { chain, expected, ended } = attempt
  const current = ended ? chain.length : chain.findIndex(({ id }) => id === expected)
  at.chain.replaceChildren(...chain.map((step, index) => stepItem(step, index, current)))
  at.notice.replaceChildren(...(said ? [said] : []))
  at.step.hidden = ended
  at.success.hidden = !ended
  at.code.value = ''
  if (ended) return at['success-title'].focus()
  at['code-label'].textContent = `Code from ${label(expected)}`
  at.code.focus()
}

function stepItem(step, index, current) {
  const state = index < current ? 'passed' : index === current ? 'current' : 'waiting'
  const words = { passed: 'passed', current: 'enter its code', waiting: 'waits its turn' }
  const item = element(
    'li',
    { className: state },
    element('span', {
      className: 'door',
      textContent: state === 'passed' ? '✓' : String(index + 1),
      ariaHidden: 'true',
    }),
    element('span', { className: 'what', textContent: step.label }),
    element('span', { className: 'state', textContent: words[state] }),
  )
  if (state === 'current') item.setAttribute('aria-current', 'step')
  return item
}

function label(factorId) {
  return attempt.chain.find(({ id }) => id === factorId).label
}

// ── What was said

function log({ method, path, status, ok, body }) {
  at['wire-empty'].hidden = true
  const line = element(
    'li',
    {},
    element('code', { textContent: `${method} ${path}` }),
    element('span', {
      className: ok ? 'good' : 'bad',
      textContent: `${status || '–'} ${body.code ?? ''}`.trim(),
    }),
  )
  at.wire.prepend(line)
  while (at.wire.children.length > longestLog) at.wire.lastChild.remove()
}

function element(name, properties, ...children) {
  const made = Object.assign(document.createElement(name), properties)
  made.append(...children)
  return made
}
