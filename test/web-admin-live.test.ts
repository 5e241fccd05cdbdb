import type { Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { picture, seriousFindings } from './support/browser.ts'
import { button, openPages, type Pages, type Phoned, root } from './support/open-pages.ts'

let pages: Pages
let mia: Phoned

beforeAll(async () => {
  pages = await openPages({ config: { roles: ['STAFF'] } })
  await pages.makeRoot()
  mia = await pages.addPhone('mia')
})
afterAll(() => pages?.close())

const lock = () => pages.lock(mia)
const unlock = () => pages.asRoot(`/api/admin/users/${mia.id}/unlock`)

describe('locks, in pages that stay open', () => {
  it('come and go in the overview by themselves', async () => {
    const page = await pages.open('/admin', { as: root })
    const locked = page.getByRole('region', { name: 'Locked people' })
    await locked.getByText('Nobody is locked.').waitFor()
    await lock()
    await locked.getByRole('link', { name: 'mia@example.org' }).waitFor()
    await picture(page, 'admin-locked-light-wide')
    await unlock()
    await locked.getByText('Nobody is locked.').waitFor()
  })

  it('come and go in the list of people, and on their page', async () => {
    const list = await pages.open('/admin/people', { as: root })
    const person = await pages.open(`/admin/people/${mia.id}`, { as: root })
    await list.getByText('lee@example.org').or(list.getByText('mia@example.org')).first().waitFor()
    await person.getByRole('heading', { level: 1, name: 'mia@example.org' }).waitFor()
    await lock()
    for (const page of [list, person]) await page.getByText('Locked', { exact: true }).last().waitFor()
    await unlock()
    await list.locator('.sp-list').getByText('Locked').waitFor({ state: 'detached' })
    await person.getByText('Locked', { exact: true }).waitFor({ state: 'hidden' })
  })

  it('are caught up with when the line was broken', async () => {
    let cut = true
    const refusal = { status: 429, json: { status: 429, code: 'too_many_attempts' } }
    const prepare = (page: Page) =>
      page.route('**/api/admin/locks/stream', (route) => (cut ? route.fulfill(refusal) : route.continue()))
    const page = await pages.open('/admin', { as: root, prepare })
    const locked = page.getByRole('region', { name: 'Locked people' })
    await locked.getByText('Nobody is locked.').waitFor()
    await lock()
    cut = false
    await locked.getByRole('link', { name: 'mia@example.org' }).waitFor()
    await unlock()
    await locked.getByText('Nobody is locked.').waitFor()
  })
})

it("shows somebody's trusted browsers, and trusts one no longer", async () => {
  const { temp_token } = await pages.login(mia.email)
  const proof = { temp_token, code: await mia.phone.code(), remember_device: true }
  const firefox = {
    'user-agent': 'Mozilla/5.0 (iPhone; CPU iPhone OS 19_0 like Mac OS X) FxiOS/140.0 Mobile',
  }
  await pages.post('/auth/mfa/verify', proof, undefined, firefox)
  const page = await pages.open(`/admin/people/${mia.id}`, { as: root })
  const devices = page.getByRole('region', { name: 'Trusted browsers' })
  await devices.getByText('Firefox on iPhone').waitFor()
  await button(page, 'Forget Firefox on iPhone').click()
  await devices.getByText('None.').waitFor()
})

it('changes a role, and keeps the last administrator one', async () => {
  const lee = await pages.addUser('lee')
  const page = await pages.open(`/admin/people/${lee.id}`, { as: root })
  await button(page, 'Change role').click()
  const dialog = page.getByRole('dialog', { name: 'Change role and company' })
  await dialog.getByLabel('Role').selectOption('STAFF')
  await dialog.getByLabel('Company').fill('Graz')
  await dialog.getByRole('button', { name: 'Save' }).click()
  await page.getByText(/STAFF · Graz · /).waitFor()

  await page.getByRole('link', { name: 'People', exact: true }).click()
  await page.getByRole('link', { name: root }).click()
  await button(page, 'Change role').click()
  await dialog.getByLabel('Role').selectOption('user')
  await dialog.getByText('This is your own account').waitFor()
  await dialog.getByRole('button', { name: 'Save' }).click()
  await dialog.getByRole('alert').getByText('Nobody else could administrate').waitFor()
  await picture(page, 'admin-change-light-wide')
})

it('makes an application, changes it, gives it a key; and keeps the list of companies', async () => {
  const page = await pages.open('/admin/applications', { as: root })
  await button(page, 'New application').click()
  const dialog = page.getByRole('dialog')
  await dialog.getByLabel('Name').fill('pbx')
  await dialog.getByLabel('Domain for passkeys').fill('not a domain')
  await dialog.getByRole('button', { name: 'New application' }).click()
  await dialog.getByRole('alert').getByText('must be a domain').waitFor()
  await dialog.getByLabel('Domain for passkeys').fill('example.org')
  await dialog.getByLabel('Origins').fill('https://a.example.org\nhttps://b.example.org')
  await dialog.getByRole('button', { name: 'New application' }).click()
  await page
    .getByText(/example\.org · https:\/\/a\.example\.org https:\/\/b\.example\.org · 0 keys/)
    .waitFor()
  await button(page, 'Settings of pbx').click()
  await dialog.getByLabel('Issuer').fill('Telephone')
  await dialog.getByRole('button', { name: 'Save' }).click()
  await page.getByText(/^Telephone · example\.org/).waitFor()
  await button(page, 'New key for pbx').click()
  await dialog.getByLabel('Name').fill('Exchange')
  await dialog.getByRole('button', { name: 'New key' }).click()
  await button(page, 'Done').click()
  await page.getByText(/1 key in force: Exchange$/).waitFor()

  await page.getByLabel('Company').fill('Linz')
  await button(page, 'Add').click()
  await button(page, 'Remove Linz').click()
  await button(page, 'Remove Linz').waitFor({ state: 'hidden' })
  expect(await seriousFindings(page)).toEqual([])
  await picture(page, 'admin-application-light-wide')
})

it('reads a draft of policies as YAML, and says in which line it is wrong', async () => {
  const page = await pages.open('/admin/policies', { as: root })
  await page.getByText('These are built in').waitFor()
  const draft = page.getByLabel('Policies, as YAML or JSON')
  const problem = page.getByRole('alert')
  await draft.fill('policies:\n  - name: all\n    action: chian\n')
  await button(page, 'Check').click()
  await problem.getByText(/^Line 3 · policies\S*action: /).waitFor()
  await draft.fill('policies:\n  - name: all\n   action: chain\n')
  await button(page, 'Check').click()
  await problem
    .getByText(/^Line \d: /)
    .first()
    .waitFor()
  await picture(page, 'admin-draft-light-wide')
  await draft.fill('policies:\n  - name: all\n    action: allow\n')
  await button(page, 'Check').click()
  await page.getByText('This draft can be used.').waitFor()
})

it('names people where records keep ids, and says which addresses are not to be blocked', async () => {
  await lock()
  await unlock()
  const page = await pages.open('/admin/ledger', { as: root })
  await page.getByLabel('Type').fill('subject.unlocked')
  await button(page, 'Search').click()
  await page.getByText('session.opened').first().waitFor({ state: 'hidden' })
  await page.getByRole('cell', { name: 'mia@example.org by root@example.org' }).first().waitFor()
  await page.getByRole('link', { name: 'mia@example.org' }).first().click()
  await page.getByRole('heading', { level: 1, name: 'mia@example.org' }).waitFor()

  await page.getByRole('link', { name: 'Threats' }).click()
  await page.getByRole('region', { name: 'Live events' }).getByRole('link').first().waitFor()
  await page.getByLabel('Address or range').fill('127.0.0.1')
  await button(page, 'Look up').click()
  await page.getByText('It is never blocked').waitFor()
  expect(await button(page, 'Block 127.0.0.1').count()).toBe(0)
  await button(page, 'Block').first().click()
  const dialog = page.getByRole('dialog', { name: 'Block an address' })
  await dialog.getByLabel('Address or range').fill('127.0.0.0/8')
  await dialog.getByText('It is never blocked').waitFor()
  expect(await dialog.getByRole('button', { name: 'Block', exact: true }).isDisabled()).toBe(true)
  await picture(page, 'admin-spared-light-wide')
})
