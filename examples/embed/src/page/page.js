const $ = (selector) => document.querySelector(selector)
const setup = $('sallyport-setup')
const verify = $('sallyport-verify')

async function call(path, body) {
  const response = await fetch(path, {
    ...(body && { method: 'POST', body: JSON.stringify(body) }),
    headers: { 'content-type': 'application/json' },
  })
  return { ok: response.ok, status: response.status, body: await response.json() }
}

function show(id) {
  for (const part of ['sign-in', 'second', 'home']) $(`#${part}`).hidden = part !== id
}

/** Who is signed in only the server knows: an event in this page proves nothing. */
async function enter() {
  const { ok, body } = await call('/api/me')
  show(ok ? 'home' : 'sign-in')
  if (ok) $('#who').textContent = body.user
}

$('#sign-in').addEventListener('submit', async (event) => {
  event.preventDefault()
  const { user, password, staff } = Object.fromEntries(new FormData(event.target))
  const { ok, body } = await call(staff ? '/api/staff/login' : '/api/login', { user, password })
  $('[role=alert]').textContent = ok ? '' : 'That did not work.'
  if (!ok) return
  if (body.next === null) return enter()
  const element = document.createElement('sallyport-verify')
  element.setAttribute('endpoint', body.next)
  element.setAttribute('autofocus', '')
  element.addEventListener('sallyport-complete', enter)
  element.addEventListener('sallyport-cancel', () => show('sign-in'))
  $('#second').replaceChildren(element)
  show('second')
})

$('#protect').addEventListener('click', () => setup.open())

async function showInvoices() {
  const { status, body } = await call('/api/invoices', {})
  if (status === 403) return verify.open()
  $('#list').replaceChildren(
    ...body.invoices.map((text) => Object.assign(document.createElement('li'), { textContent: text })),
  )
}
$('#invoices').addEventListener('click', showInvoices)
verify.addEventListener('sallyport-complete', showInvoices)

$('#sign-out').addEventListener('click', async () => {
  await call('/api/logout', {})
  $('#list').replaceChildren()
  show('sign-in')
})

await enter()
