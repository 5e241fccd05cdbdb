/**
 * Calls the demo's API: always answers `{ ok, status, body }`, and status 0 when nothing answered.
 * `heard` is told of every exchange.
 */
export function createClient(heard) {
  async function call(method, path, content) {
    const reply = await exchange(method, path, content)
    heard({ method, path, ...reply })
    return reply
  }

  return {
    enroll: (user, factor) => call('POST', `/users/${encodeURIComponent(user)}/factors/${factor}/enroll`),
    start: (user) => call('POST', `/users/${encodeURIComponent(user)}/attempt/start`),
    verify: (step) => call('POST', '/attempt/verify', step),
    currentCode: (session) => call('GET', `/attempt/${session}/debug/current-code`),
  }
}

async function exchange(method, path, content) {
  try {
    const body = content && JSON.stringify(content)
    const headers = content ? { 'content-type': 'application/json' } : {}
    const response = await fetch(path, { method, headers, body })
    return { ok: response.ok, status: response.status, body: await response.json() }
  } catch {
    return { ok: false, status: 0, body: { detail: 'The demo does not answer: is it still running?' } }
  }
}
