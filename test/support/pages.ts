import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Page } from 'playwright-core'
import { expect, onTestFinished } from 'vitest'
import { buildPages, type Look, launchBrowser, openPage, screenshots } from './browser.ts'
import { makeDirectory, sallyport, serve } from './cli.ts'

const password = 'Quartz-lantern-ferry-09'
export const root = 'root@example.org'

interface Opening extends Look {
  as: string
  prepare?(page: Page): Promise<unknown>
}

export type Pages = Awaited<ReturnType<typeof startPages>>

/** The product with its pages, an administrator with a password alone, and Chromium in front of it. */
export async function startPages(config: object = {}) {
  buildPages()
  const directory = makeDirectory()
  const file = join(directory.path, 'sallyport.yaml')
  writeFileSync(file, JSON.stringify({ trusted_proxies: ['127.0.0.1'], ...config }))
  const where = ['--data', join(directory.path, 'data'), '--config', file]
  const words = ['user', 'create', ...where, '--email', root, '--role', 'admin', '--password-stdin']
  expect((await sallyport(words, { input: password })).code).toBe(0)
  const browser = await launchBrowser()
  const server = await serve(['--port', '0', ...where])

  async function call(method: string, path: string, body?: object, headers: Record<string, string> = {}) {
    const answer = await fetch(server.url + path, {
      method,
      headers: { 'content-type': 'application/json', ...headers },
      ...(body && { body: JSON.stringify(body) }),
    })
    // biome-ignore lint/suspicious/noExplicitAny: what came over the wire is what the tests look at
    return { status: answer.status, body: (await answer.json()) as any }
  }

  const login = (email: string, more: { password?: string; address?: string } = {}) =>
    call(
      'POST',
      '/auth/login',
      { email, password: more.password ?? password },
      { 'x-forwarded-for': more.address ?? '192.0.2.7' },
    )

  const bearer = `Bearer ${(await login(root)).body.access_token}`
  const asRoot = (method: string, path: string, body?: object) =>
    call(method, path, body, { authorization: bearer })

  /** Somebody who chose a password; answers their id. */
  async function addUser(email: string, role = 'user'): Promise<string> {
    const { body } = await asRoot('POST', '/api/admin/users', { email, role })
    expect((await call('POST', '/auth/invitation/accept', { token: body.token, password })).status).toBe(200)
    return body.user.id
  }

  /** The cookies of somebody with a password alone, as their browser would hold them. */
  async function cookiesOf(email: string) {
    const answer = await fetch(`${server.url}/auth/login`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ email, password }),
    })
    return answer.headers.getSetCookie().map((cookie) => {
      const [, name, value] = /^([^=]+)=([^;]*)/.exec(cookie)!
      return { name: name!, value: value!, url: server.url, httpOnly: true, sameSite: 'Lax' as const }
    })
  }

  /**
   * Opens a page, signed in as somebody, once `prepare` has had it. Its faults fail the test, whatever else
   * it looks at.
   */
  async function open(path: string, { as, prepare, ...look }: Opening): Promise<Page> {
    const { page, context, faults } = await openPage(browser, server.url, look)
    onTestFinished(async ({ task }) => {
      if (task.result?.state === 'fail')
        await page.screenshot({ path: `${screenshots}failed-${task.name.slice(0, 30)}.png` })
      await context.close()
      expect(faults).toEqual([])
    })
    await context.addCookies(await cookiesOf(as))
    // Whether there are cookies to try, the pages keep here: they cannot see them.
    await context.addInitScript("localStorage.setItem('sallyport.signed-in', 'yes')")
    await prepare?.(page)
    await page.goto(server.url + path)
    return page
  }

  return {
    ...{ url: server.url, browser, call, login, asRoot, addUser, open },
    async stop() {
      await browser.close()
      await server.stop()
      directory.remove()
    },
  }
}
