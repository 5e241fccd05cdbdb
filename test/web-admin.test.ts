import { readFileSync } from 'node:fs'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { sallyport } from './support/cli.ts'
import {
  button,
  choose,
  enterCode,
  enterPassword,
  heading,
  openPages,
  type Pages,
  type Phoned,
  password,
  root,
  type Somebody,
  seesItsEnd,
} from './support/open-pages.ts'

const config = {
  roles: ['STAFF'],
  security: { mfa: { roles: { STAFF: { required: true, grace: '3d' } } } },
}

describe("the administrators' pages in Chromium", () => {
  let pages: Pages
  let mia: Phoned
  let ada: Phoned
  let lee: Somebody

  beforeAll(async () => {
    pages = await openPages({ config })
    await pages.makeRoot()
    lee = await pages.addUser('lee')
    mia = await pages.addPhone('mia', 'STAFF')
    ada = await pages.addPhone('ada', 'admin')
    await pages.asRoot('/api/security/block-ip', {
      ip_address: '198.51.100.0/24',
      reason: 'scans of our ports',
    })
  })
  afterAll(() => pages?.close())

  const read = async (path: string) => (await pages.call('GET', path, { token: pages.rootToken() })).body

  const from = (address: string, email: string) =>
    pages.call('POST', '/auth/login', {
      headers: { 'x-forwarded-for': address },
      body: { email, password },
    })

  it('finds, unlocks and resets somebody, once it is proven who asks', async () => {
    await pages.lock(mia)
    const { pass } = await pages.asRoot(`/api/admin/users/${ada.id}/pass`, { reason: 'lost phone' })

    const page = await pages.open('/admin/people')
    await enterPassword(page, ada.email)
    // A pass signs in and proves nothing.
    await choose(page, 'Pass from the helpdesk')
    await page.getByLabel('Pass').fill(pass)
    await button(page, 'Confirm').click()
    await heading(page, 'People')
    await page.getByLabel('Search by e-mail address or name').fill('mia')
    await page.getByText(lee.email).waitFor({ state: 'hidden' })
    await page.getByRole('link', { name: 'mia@example.org' }).click()
    await heading(page, 'mia@example.org')
    await page.getByText('Locked', { exact: true }).waitFor()
    await button(page, 'Unlock').click()
    await page.getByRole('dialog', { name: 'Confirm once more' }).waitFor()
    await enterCode(page, await ada.phone.code())
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
    const { locked, methods } = await read(`/api/admin/users/${mia.id}`)
    expect([locked, methods]).toEqual([false, []])
    const reset = await read(`/api/admin/ledger?type=factors.reset`)
    expect(reset.items).toMatchObject([{ subject: mia.id, actor: `subject:${ada.id}` }])
  })

  it('signs somebody out, whose other page says so and leads back to where it was', async () => {
    const theirs = await pages.open('/settings/security')
    await enterPassword(theirs, lee.email)
    await heading(theirs, 'Security')
    const page = await pages.open(`/admin/people/${lee.id}`, { as: root })
    await page.getByText(/Chrome on/).waitFor()
    await button(page, 'Sign out everywhere').click()
    await page.getByText(/^Signed out of \d+ sessions?\.$/).waitFor()
    await seesItsEnd(theirs)
    await enterPassword(theirs, lee.email)
    await heading(theirs, 'Security')
    // Who is no administrator is told so, and shown nothing.
    await theirs.goto(`${pages.url}/admin/people`)
    await theirs.getByText('These pages are for administrators').waitFor()
    expect(await theirs.getByRole('navigation', { name: 'Administration' }).count()).toBe(0)
  })

  it('explains policies, and checks and replays a draft of them', async () => {
    const page = await pages.open('/admin/policies', { as: root, broken: /policies\/explain$|404/ })
    await page.getByText('Applies to everybody').waitFor()
    await page.getByLabel('Who (e-mail address or name)').fill('ada@example.org')
    await button(page, 'Explain').click()
    await page.getByText('Decision: Chain · 1 step').waitFor()
    await page.getByLabel('By the draft, not by what is in force').check()
    await button(page, 'Explain').click()
    await page.getByText('Decision: Chain · 2 steps · two doors for administrators').waitFor()

    await page.getByLabel('Who (e-mail address or name)').fill('nobody@example.org')
    await button(page, 'Explain').click()
    await page.getByText('No person of that name.').waitFor()

    await button(page, 'Replay the last 30 days').click()
    await page.getByText('Asked for more').waitFor()
    const replayed = page.getByRole('region', { name: 'What would have been different' })
    await replayed.getByText('ada@example.org').first().waitFor()
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
    const page = await pages.open('/admin/threats', { as: root })
    await page.getByText('Live', { exact: true }).waitFor()
    expect(await page.getByText('192.0.2.66').count()).toBe(0)
    expect((await from('192.0.2.66', 'kim@example.org')).status).toBe(401)
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
    await page.getByText(/guesses passwords · by root@example.org · until/).waitFor()
    expect((await from('192.0.2.66', root)).status).toBe(403)
    await page.getByLabel('Address or range').fill('192.0.2.66')
    await button(page, 'Look up').click()
    await page.getByText('Threat score').waitFor()
    await button(page, 'Unblock 192.0.2.66').click()
    await page.getByText('Not blocked', { exact: true }).waitFor()
    expect((await from('192.0.2.66', root)).status).toBe(200)
  })

  it('makes a key that is shown once, works, and ends when it is revoked', async () => {
    const page = await pages.open('/admin/keys', { as: root })
    await page.getByText('There are none yet.').waitFor()
    await button(page, 'New key').click()
    await page.getByLabel('Name').fill('Telephone exchange')
    const dialog = page.getByRole('dialog')
    await dialog.getByRole('button', { name: 'New key' }).click()
    const key = (await page.locator('.sp-once').textContent())!
    expect(key).toMatch(/^spk_/)
    await button(page, 'Done').click()
    const use = () => pages.call('GET', '/api/mfa/methods/1001', { token: key })
    expect((await use()).status).not.toBe(401)
    expect(await page.getByText(key).count()).toBe(0)
    await button(page, 'Revoke Telephone exchange').click()
    await page.getByRole('dialog').getByRole('button', { name: 'Revoke' }).click()
    await page.getByText(/^Revoked /).waitFor()
    expect((await use()).body.code).toBe('invalid_api_key')
  })

  it('searches the ledger, verifies it and takes it along', async () => {
    const page = await pages.open('/admin/ledger', { as: root })
    await page.getByLabel('Type').fill('address.blocked')
    await button(page, 'Search').click()
    await page.getByText('ticket.issued').waitFor({ state: 'hidden' })
    await page
      .getByText(/scans of our ports|198\.51\.100\.0/)
      .first()
      .waitFor()
    const data = (await page.locator('.sp-data').allTextContents()).join('\n')
    expect(data).not.toMatch(/[[{]|\b1\d{12}\b/)
    await button(page, 'Verify all of it').click()
    await page.getByText('Nothing was altered').waitFor()
    const [download] = await Promise.all([page.waitForEvent('download'), button(page, 'Export').click()])
    const verified = await sallyport(['ledger', 'verify', await download.path()])
    expect([verified.code, verified.err]).toEqual([0, ''])
  })
})
