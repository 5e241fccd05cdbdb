import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Browser, Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import { buildPages, launchBrowser, oathtool, openPage, screenshots } from './support/browser.ts'
import { makeDirectory, type Serving, sallyport, serve } from './support/cli.ts'

const password = 'Quartz-lantern-ferry-09'
const root = 'root@example.org'
const config = {
  trusted_proxies: ['127.0.0.1'],
  roles: ['STAFF'],
  totp: { window: 3 },
  security: { mfa: { roles: { STAFF: { required: true, grace: '3d' } } } },
}

/** Somebody with a phone. */
interface Phoned {
  id: string
  secret: string
}

describe("the administrators' pages in Chromium", () => {
  const directory = makeDirectory()
  const data = join(directory.path, 'data')
  let browser: Browser
  let server: Serving
  let token: string
  let mia: Phoned
  let ada: Phoned
  let lee: string

  beforeAll(async () => {
    buildPages()
    const file = join(directory.path, 'sallyport.yaml')
    writeFileSync(file, JSON.stringify(config))
    const words = ['--data', data, '--email', root, '--role', 'admin', '--password-stdin']
    expect((await sallyport(['user', 'create', ...words], { input: password })).code).toBe(0)
    browser = await launchBrowser()
    server = await serve(['--port', '0', '--data', data, '--config', file])
    token = (await call('POST', '/auth/login', { email: root, password })).body.access_token
    lee = await addUser('lee@example.org')
    mia = await addPhone('mia@example.org', 'STAFF')
    ada = await addPhone('ada@example.org', 'admin')
    await call('POST', '/api/security/block-ip', {
      ip_address: '198.51.100.0/24',
      reason: 'scans of our ports',
    })
  }, 120_000)
  afterAll(async () => {
    await browser?.close()
    await server?.stop()
    directory.remove()
  })

  async function call(method: string, path: string, body?: object, more: Record<string, string> = {}) {
    const answer = await fetch(server.url + path, {
      method,
      headers: {
        'content-type': 'application/json',
        ...(token !== undefined && { authorization: `Bearer ${token}` }),
        ...more,
      },
      ...(body && { body: JSON.stringify(body) }),
    })
    // biome-ignore lint/suspicious/noExplicitAny: what came over the wire is what the tests look at
    return { status: answer.status, body: (await answer.json()) as any }
  }

  const login = (email: string, address = '192.0.2.7') =>
    call('POST', '/auth/login', { email, password }, { authorization: '', 'x-forwarded-for': address })

  async function addUser(email: string, role = 'user'): Promise<string> {
    const { body } = await call('POST', '/api/admin/users', { email, role })
    const chosen = { token: body.token, password }
    expect((await call('POST', '/auth/invitation/accept', chosen)).status).toBe(200)
    return body.user.id
  }

  async function addPhone(email: string, role: string): Promise<Phoned> {
    const id = await addUser(email, role)
    const { body } = await login(email)
    const own = { authorization: `Bearer ${body.access_token}` }
    const begun = await call('POST', '/auth/mfa/enroll/totp', {}, own)
    const code = oathtool(begun.body.secret, -3)
    expect((await call('POST', '/auth/mfa/enroll/verify', { code }, own)).status).toBe(200)
    return { id, secret: begun.body.secret }
  }

  /** A page whose faults fail the test, whatever else it looks at. */
  async function open(path: string): Promise<Page> {
    const { page, context, faults } = await openPage(browser, server.url)
    onTestFinished(async ({ task }) => {
      if (task.result?.state === 'fail')
        await page.screenshot({ path: `${screenshots}failed-admin-${task.name.slice(0, 20)}.png` })
      await context.close()
      expect(faults).toEqual([])
    })
    await page.goto(server.url + path)
    return page
  }

  const heading = (page: Page, name: string) => page.getByRole('heading', { level: 1, name }).waitFor()

  const button = (page: Page, name: string | RegExp) =>
    page.getByRole('button', { name, ...(typeof name === 'string' && { exact: true }) })

  async function signIn(page: Page, email: string) {
    await page.getByLabel('E-mail address').fill(email)
    await page.getByLabel('Password', { exact: true }).fill(password)
    await button(page, 'Sign in').click()
  }

  async function openAsRoot(path: string) {
    const page = await open(path)
    await signIn(page, root)
    await page.getByRole('navigation', { name: 'Administration' }).waitFor()
    return page
  }

  it('finds, unlocks and resets somebody, once it is proven who asks', async () => {
    const { body: begun } = await login('mia@example.org')
    for (let guess = 0; guess < 5; guess++)
      await call('POST', '/auth/mfa/verify', { temp_token: begun.temp_token, code: '000000', method: 'totp' })
    const { body: issued } = await call('POST', `/api/admin/users/${ada.id}/pass`, { reason: 'lost phone' })

    const page = await open('/admin/people')
    await signIn(page, 'ada@example.org')
    // A pass signs in and proves nothing.
    await button(page, 'Use another way').click()
    await button(page, /^Pass from the helpdesk/).click()
    await page.getByLabel('Pass').fill(issued.pass)
    await button(page, 'Confirm').click()
    await heading(page, 'People')
    await page.getByLabel('Search by e-mail address or name').fill('mia')
    await page.getByText('lee@example.org').waitFor({ state: 'hidden' })
    await page.getByRole('link', { name: 'mia@example.org' }).click()
    await heading(page, 'mia@example.org')
    await page.getByText('Locked', { exact: true }).waitFor()
    await button(page, 'Unlock').click()
    await page.getByRole('dialog', { name: 'Confirm once more' }).waitFor()
    await page.getByLabel('Six-digit code').fill(oathtool(ada.secret, -1))
    await page.getByText('Locked', { exact: true }).waitFor({ state: 'hidden' })

    await button(page, 'Reset factors').click()
    const dialog = page.getByRole('dialog')
    await dialog.getByLabel('Reason').fill('The phone is at the bottom of the lake')
    await dialog.getByRole('button', { name: 'Reset factors' }).click()
    await page.getByText('This is shown once only').waitFor()
    const link = await page.locator('.sp-once').textContent()
    expect(link).toMatch(/^http:\S+\/enrol#token=spt_/)
    await button(page, 'Copy').click()
    await button(page, 'Copied').waitFor()
    expect(await page.evaluate('navigator.clipboard.readText()')).toBe(link)
    await button(page, 'Done').click()
    await page.getByText('In grace', { exact: true }).waitFor()
    const { body } = await call('GET', `/api/admin/users/${mia.id}`)
    expect([body.locked, body.methods]).toEqual([false, []])
    const { body: reset } = await call('GET', `/api/admin/ledger?type=factors.reset`)
    expect(reset.items).toMatchObject([{ subject: mia.id, actor: `subject:${ada.id}` }])
  })

  it('signs somebody out, whose other page says so and leads back to where it was', async () => {
    const theirs = await open('/settings/security')
    await signIn(theirs, 'lee@example.org')
    await heading(theirs, 'Security')
    const page = await openAsRoot(`/admin/people/${lee}`)
    await page.getByText(/Chrome on/).waitFor()
    await button(page, 'Sign out everywhere').click()
    await page.getByText(/^Signed out of \d+ sessions?\.$/).waitFor()
    await theirs.reload()
    await theirs.getByText('Your session has ended').waitFor()
    await signIn(theirs, 'lee@example.org')
    await heading(theirs, 'Security')
    // Who is no administrator is told so, and shown nothing.
    await theirs.goto(`${server.url}/admin/people`)
    await theirs.getByText('These pages are for administrators').waitFor()
    expect(await theirs.getByRole('navigation', { name: 'Administration' }).count()).toBe(0)
  })

  it('explains policies, and checks and replays a draft of them', async () => {
    const page = await openAsRoot('/admin/policies')
    await page.getByText('Applies to everybody').waitFor()
    await page.getByLabel('Who (e-mail address or name)').fill('ada@example.org')
    await button(page, 'Explain').click()
    await page.getByText('Decision: Chain · 1 step').waitFor()
    await page.getByLabel('By the draft, not by what is in force').check()
    await button(page, 'Explain').click()
    await page.getByText('Decision: Chain · 2 steps · two doors for administrators').waitFor()

    await button(page, 'Replay the last 30 days').click()
    await page.getByText('Asked for more').waitFor()
    const replayed = page.getByRole('region', { name: 'What would have been different' })
    await replayed.getByText('ada@example.org').waitFor()
    const [download] = await Promise.all([
      page.waitForEvent('download'),
      page.getByRole('link', { name: 'Download policies.yaml' }).click(),
    ])
    const file = await download.path()
    const checked = await sallyport(['policy', 'check', file])
    expect([checked.code, checked.err]).toEqual([0, ''])
    expect(readFileSync(file, 'utf8')).toContain('two doors')

    const draft = page.getByLabel('Policies, as YAML or JSON')
    await draft.fill('{ "policies": [ { "name": "x", "action": "chian" } ] }')
    await button(page, 'Check').click()
    await page
      .getByRole('alert')
      .getByText(/policies\S*0\S*action/)
      .waitFor()
    await draft.fill('{ policies')
    await button(page, 'Check').click()
    await page.getByRole('alert').getByText('Line 1').waitFor()
  })

  it('shows an attack as it happens, and blocks and unblocks where it comes from', async () => {
    const page = await openAsRoot('/admin/threats')
    await page.getByText('Live', { exact: true }).waitFor()
    expect(await page.getByText('192.0.2.66').count()).toBe(0)
    await login('kim@example.org', '192.0.2.66')
    await page.getByRole('region', { name: 'Live events' }).getByText('192.0.2.66').waitFor()
    await button(page, 'Block').first().click()
    const dialog = page.getByRole('dialog', { name: 'Block an address' })
    const submit = dialog.getByRole('button', { name: 'Block', exact: true })
    await dialog.getByLabel('Address or range').fill('everywhere')
    await dialog.getByLabel('Reason').fill('guesses passwords')
    await submit.click()
    await dialog.getByRole('alert').waitFor()
    await dialog.getByLabel('Address or range').fill('192.0.2.66')
    await submit.click()
    await dialog.waitFor({ state: 'hidden' })
    await page.getByText(/guesses passwords · by root@example.org/).waitFor()
    expect((await login(root, '192.0.2.66')).status).toBe(403)
    await page.getByLabel('Address or range').fill('192.0.2.66')
    await button(page, 'Look up').click()
    await page.getByText('Threat score').waitFor()
    await button(page, 'Unblock 192.0.2.66').click()
    await page.getByText('Not blocked', { exact: true }).waitFor()
    expect((await login(root, '192.0.2.66')).status).toBe(200)
  })

  it('makes a key that is shown once, works, and ends when it is revoked', async () => {
    const page = await openAsRoot('/admin/keys')
    await page.getByText('There are none yet.').waitFor()
    await button(page, 'New key').click()
    await page.getByLabel('Name').fill('Telephone exchange')
    const dialog = page.getByRole('dialog')
    await dialog.getByRole('button', { name: 'New key' }).click()
    const key = (await page.locator('.sp-once').textContent())!
    expect(key).toMatch(/^spk_/)
    await button(page, 'Done').click()
    const use = () => call('GET', '/api/mfa/methods/1001', undefined, { authorization: `Bearer ${key}` })
    expect((await use()).status).not.toBe(401)
    expect(await page.getByText(key).count()).toBe(0)
    await button(page, 'Revoke Telephone exchange').click()
    await page.getByRole('dialog').getByRole('button', { name: 'Revoke' }).click()
    await page.getByText(/^Revoked /).waitFor()
    expect((await use()).body.code).toBe('invalid_api_key')
  })

  it('searches the ledger, verifies it and takes it along', async () => {
    const page = await openAsRoot('/admin/ledger')
    await page.getByLabel('Type').fill('address.blocked')
    await button(page, 'Search').click()
    await page.getByText('ticket.issued').waitFor({ state: 'hidden' })
    await page
      .getByText(/scans of our ports|198\.51\.100\.0/)
      .first()
      .waitFor()
    await button(page, 'Verify all of it').click()
    await page.getByText('Nothing was altered').waitFor()
    const [download] = await Promise.all([page.waitForEvent('download'), button(page, 'Export').click()])
    const verified = await sallyport(['ledger', 'verify', await download.path()])
    expect([verified.code, verified.err]).toEqual([0, ''])
  })
})
