import { execFile } from 'node:child_process'
import { readFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { decodeSecret } from '@sallyport/core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { codeOf } from './support/harness.ts'
import { type Running, startProgram, startSallyport } from './support/real-server.ts'

const run = promisify(execFile)
const root = fileURLToPath(new URL('..', import.meta.url))

describe('applications of the service API, against the real command', () => {
  let sallyport: Awaited<ReturnType<typeof startSallyport>>

  beforeAll(async () => {
    sallyport = await startSallyport()
  })
  afterAll(() => sallyport?.stop())

  it('the Python client does all it offers', async () => {
    const env = { ...process.env, SALLYPORT_KEY: await sallyport.makeKey() }
    const { stdout } = await run('python3', ['examples/python-client/check.py', sallyport.url], {
      cwd: root,
      env,
    })
    expect(stdout).toBe('ok\n')
  })

  it('the commands of docs/add-mfa-to-my-app.md work in their order', async () => {
    const text = await readFile(`${root}/docs/add-mfa-to-my-app.md`, 'utf8')
    const blocks = [...text.matchAll(/^```sh\n(.*?)^```$/gms)].map(([, commands]) => commands!)
    expect(blocks.length).toBeGreaterThan(7)
    const [start, ...rest] = blocks
    expect(start).toBe('npm start\n')
    const script = rest
      .join('\n')
      .replaceAll('http://127.0.0.1:8080', sallyport.url)
      // The one command that is meant to be refused: curl says so by its status.
      .replace(/^call (.*not a code.*) \| /m, '(call $1 || true) | ')
    const env = { ...process.env, SALLYPORT_DATA: sallyport.data }
    const { stdout } = await run('bash', ['-euo', 'pipefail', '-c', script], { cwd: root, env })
    expect(stdout).toContain('"method":"totp"')
    expect(stdout.trimEnd()).toMatch(/\{"success":true\}$/)
  })

  describe('the express app', () => {
    let app: Running
    let cookie = ''

    beforeAll(async () => {
      const env = { SALLYPORT_URL: sallyport.url, SALLYPORT_KEY: await sallyport.makeKey(), PORT: '0' }
      app = await startProgram(`${root}/examples/express-app/src/main.ts`, { env })
    })
    afterAll(() => app?.stop())

    async function send(path: string, body?: object) {
      const response = await fetch(`${app.url}${path}`, {
        method: body ? 'POST' : 'GET',
        headers: { 'content-type': 'application/json', cookie },
        ...(body && { body: JSON.stringify(body) }),
      })
      cookie = response.headers.get('set-cookie')?.split(';')[0] ?? cookie
      return { status: response.status, body: (await response.json()) as Record<string, unknown> }
    }

    const password = 'correct horse battery staple'

    it('signs in, enrols, and from then on wants a code', async () => {
      expect(await send('/login', { user: 'ada', password: 'wrong' })).toMatchObject({ status: 401 })
      expect(await send('/me')).toMatchObject({ status: 401 })
      expect(await send('/login', { user: 'ada', password })).toEqual({ status: 200, body: { next: 'done' } })
      const { body } = await send('/mfa/enroll', {})
      const secret = decodeSecret(body.secret as string)
      const first = codeOf(secret, Date.now())
      expect(await send('/mfa/confirm', { code: first })).toMatchObject({ status: 200 })

      expect(await send('/login', { user: 'ada', password })).toEqual({ status: 200, body: { next: 'code' } })
      const half = cookie
      for (const [path, sent] of [['/me'], ['/mfa/enroll', {}], ['/mfa/confirm', { code: '1' }]] as const) {
        expect(await send(path, sent)).toMatchObject({ status: 401 })
      }
      const used = await send('/login/code', { code: first })
      expect(used).toMatchObject({ status: 401, body: { code: 'invalid_code' } })
      for (const code of [{}, [], 123456, undefined]) {
        expect(await send('/login/code', { code })).toMatchObject({ status: 400 })
      }
      const next = codeOf(secret, Date.now() + 30_000)
      expect(await send('/login/code', { code: next })).toEqual({ status: 200, body: { next: 'done' } })
      expect(await send('/me')).toEqual({ status: 200, body: { user: 'ada' } })
      cookie = half
      expect(await send('/login/code', { code: next })).toMatchObject({ status: 401 })
      expect(await send('/me')).toMatchObject({ status: 401 })
    })

    it('lets nobody in when Sallyport refuses to answer for it', async () => {
      const env = { SALLYPORT_URL: sallyport.url, SALLYPORT_KEY: `spk_${'x'.repeat(43)}`, PORT: '0' }
      const keyless = await startProgram(`${root}/examples/express-app/src/main.ts`, { env })
      const response = await fetch(`${keyless.url}/login`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ user: 'ada', password }),
      })
      await keyless.stop()
      expect(response.status).toBe(503)
      expect(response.headers.get('set-cookie')).toBeNull()
    })
  })
})
