import { readdirSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import type { Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { picture, seriousFindings, sizes } from './support/browser.ts'
import {
  button,
  choose,
  enterCode,
  enterPassword,
  heading,
  openPages,
  type Pages,
  type Phoned,
  passkey,
  password,
  plugIn,
  root,
  signOut,
} from './support/open-pages.ts'

const config = {
  roles: ['STAFF'],
  security: { mfa: { roles: { STAFF: { required: true, grace: '3d' } } } },
}
const everyWay = ['totp', 'email', 'backup', 'yubikey', 'webauthn']
/** Every button that there is to see. */
const policies = {
  policies: [
    { name: 'root', when: { subjects: root }, action: 'allow' },
    {
      ...{ name: 'everybody', action: 'chain', too_few: 'enrol', passkey: true, trusted_devices: true },
      chain: { mode: 'fixed', required_steps: 1, factors: [{ id: 'any', label: 'Any', any_of: everyWay }] },
    },
  ],
}

const sources = fileURLToPath(new URL('../web/src/', import.meta.url))
const files = readdirSync(sources, { recursive: true, encoding: 'utf8' })
  .filter((name) => name.endsWith('.tsx'))
  .map((name) => ({ name, text: readFileSync(sources + name, 'utf8') }))

/** Every route of the pages' routers, and the addresses by which it is looked at here. */
const routes: Record<string, string[]> = {
  '/^\\/(?:sign-in)?\\/?$/': ['/', '/sign-in'],
  links: ['/setup#token=x', '/invitation#token=x', '/enrol#token=x', '/reset#token=x', '/reset', '/forgot'],
  '/settings/*?': ['/settings/nothing'],
  '/settings': ['/settings'],
  '/settings/security': ['/settings/security'],
  '/admin/*?': ['/admin/nothing'],
  '/admin': ['/admin'],
  '/admin/people': ['/admin/people'],
  '/admin/people/:id': ['/admin/people/ADA', '/admin/people/ROOT'],
  '/admin/policies': ['/admin/policies'],
  '/admin/threats': ['/admin/threats'],
  '/admin/ledger': ['/admin/ledger'],
  '/admin/applications': ['/admin/applications'],
  '/admin/keys': ['/admin/keys'],
  '/admin/settings': ['/admin/settings'],
}

type Opening = (page: Page) => Promise<unknown>
const press =
  (name: string | RegExp): Opening =>
  (page) =>
    button(page, name).first().click()

/** Every file that draws a dialog, where that is, and what opens it. */
const dialogs: Record<string, { of: 'ada' | 'root'; at: string; open: Opening }> = {
  'settings/setup-dialog.tsx': { of: 'ada', at: '/settings/security', open: press('Add') },
  'settings/factors-section.tsx': { of: 'ada', at: '/settings/security', open: press(/^Remove /) },
  'settings/backup-section.tsx': { of: 'ada', at: '/settings/security', open: press('Make new codes') },
  'settings/turn-off-dialog.tsx': { of: 'ada', at: '/settings/security', open: press('Turn off') },
  'settings/password-section.tsx': { of: 'ada', at: '/settings/security', open: press('Change password') },
  'session/step-up-dialog.tsx': {
    ...{ of: 'ada', at: '/settings/security' },
    async open(page) {
      await button(page, /^Rename /).click()
      await button(page, 'Save').click()
      await page.getByRole('dialog', { name: 'Confirm once more' }).waitFor()
    },
  },
  'admin/people/invite-dialog.tsx': { of: 'root', at: '/admin/people', open: press('Invite') },
  'admin/people/person-actions.tsx': { of: 'root', at: '/admin/people/ADA', open: press('Reset factors') },
  'admin/people/change-dialog.tsx': { of: 'root', at: '/admin/people/ADA', open: press('Change role') },
  'admin/people/person-factors.tsx': { of: 'root', at: '/admin/people/ADA', open: press(/^Remove /) },
  'admin/confirm-dialog.tsx': { of: 'root', at: '/admin/people/ADA', open: press('Disable') },
  'admin/shown-once.tsx': {
    ...{ of: 'root', at: '/admin/people/ADA' },
    async open(page) {
      await button(page, 'Helpdesk pass').click()
      await page.getByRole('dialog').getByLabel('Reason').fill('lost phone')
      await page.getByRole('dialog').getByRole('button', { name: 'Helpdesk pass' }).click()
      await page.getByText('This is shown once only').waitFor()
    },
  },
  'admin/threats/block-dialog.tsx': { of: 'root', at: '/admin/threats', open: press('Block') },
  'admin/applications/application-dialog.tsx': {
    ...{ of: 'root', at: '/admin/applications', open: press('New application') },
  },
  'admin/keys/create-key-dialog.tsx': { of: 'root', at: '/admin/keys', open: press('New key') },
  'admin/keys/keys-page.tsx': { of: 'root', at: '/admin/keys', open: press(/^Revoke /) },
}

describe('how the pages look', () => {
  let pages: Pages
  let ada: Phoned
  let rootId: string

  beforeAll(async () => {
    pages = await openPages({ config, yubikey: true })
    await pages.makeRoot()
    ada = await pages.addPhone('ada')
    for (const name of ['noah', 'emma']) await pages.login((await pages.addUser(name, 'STAFF')).email)
    const answers = await pages.call('GET', '/auth/me', { token: pages.rootToken() })
    rootId = answers.body.user_id
    for (let host = 1; host < 8; host++)
      for (let again = 0; again < host; again++)
        await pages.call('POST', '/auth/login', {
          body: { email: 'kim@example.org', password },
          headers: { 'x-forwarded-for': `203.0.113.${host}` },
        })
    await pages.asRoot('/api/security/block-ip', { ip_address: '198.51.100.0/24', reason: 'scans' })
    await pages.asRoot('/api/admin/apikeys', {
      name: 'Telephone exchange',
      scopes: ['mfa:read', 'mfa:write'],
    })
    const login_policies = pages.write('policies.json', policies)
    await pages.restart({ ...config, login_policies })
  })
  afterAll(() => pages?.close())

  const real = (path: string) => path.replace('ADA', ada.id).replace('ROOT', rootId)

  /** As by a link: by way of a page that keeps nothing open, without loading everything anew. */
  async function go(page: Page, path: string) {
    for (const to of ['/nothing', real(path)])
      await page.evaluate(`history.pushState(null, '', ${JSON.stringify(to)})`)
  }

  /** What is being loaded is there, and nothing moves any more. */
  async function settled(page: Page) {
    await page.getByRole('heading').first().waitFor()
    await page.locator('[role=status] .mantine-Loader-root').first().waitFor({ state: 'detached' })
  }

  /** On a wide screen in both colours, and on a phone. */
  async function seen(page: Page, name: string) {
    await settled(page)
    for (const scheme of ['light', 'dark'] as const) {
      await page.emulateMedia({ colorScheme: scheme })
      await page.locator(`html[data-mantine-color-scheme=${scheme}]`).waitFor()
      const found = await seriousFindings(page, scheme === 'dark' ? 'colours' : undefined)
      expect([name, scheme, found]).toEqual([name, scheme, []])
      await picture(page, `${name}-${scheme}-wide`)
    }
    await page.setViewportSize(sizes.phone)
    await fits(page, name)
    await picture(page, `${name}-phone`)
    await page.setViewportSize(sizes.wide)
  }

  /** Nothing hangs out at the side. */
  async function fits(page: Page, name: string) {
    const overflow = 'document.documentElement.scrollWidth - document.documentElement.clientWidth'
    await expect
      .poll(async () => [name, await page.evaluate(overflow)], { timeout: 20_000 })
      .toEqual([name, 0])
  }

  const nameOf = (path: string) => path.replaceAll(/[^a-zA-Z]+/g, '-').replace(/^-|-$/g, '') || 'start'

  async function openAs(who: string) {
    const page = await pages.open('/')
    await enterPassword(page, who)
    if (who === ada.email) {
      // A pass signs in and proves nothing: what needs proof asks for it.
      const { pass } = await pages.asRoot(`/api/admin/users/${ada.id}/pass`, { reason: 'lost phone' })
      await choose(page, 'Pass from the helpdesk')
      await page.getByLabel('Pass').fill(pass)
      await button(page, 'Confirm').click()
    }
    await heading(page, 'Security')
    return page
  }

  it('leaves out no route and no dialog', () => {
    const found = files.flatMap(({ text }) =>
      [...text.matchAll(/<Route[^>]*? path=(?:"([^"]+)"|\{([^}]+)\})/gs)].map(
        ([, plain, code]) => plain ?? code,
      ),
    )
    expect(found.sort()).toEqual(Object.keys(routes).sort())
    const drawing = files.filter(({ text }) => /<(Dialog|ConfirmDialog|ShownOnce|StepUpDialog)\b/.test(text))
    const elsewhere = [
      'session/session.tsx',
      'admin/people/people-page.tsx',
      'admin/threats/threats-page.tsx',
    ]
    const names = drawing.map(({ name }) => name).filter((name) => !elsewhere.includes(name))
    expect(names.sort()).toEqual(Object.keys(dialogs).sort())
  })

  it('is fit to be seen by whoever is not signed in', async () => {
    const page = await pages.open('/')
    for (const path of [...routes['/^\\/(?:sign-in)?\\/?$/']!.slice(1), ...routes.links!]) {
      await go(page, path)
      await seen(page, nameOf(path))
    }
  })

  it('is fit to be seen in everybody’s own settings, and in those of administrators', async () => {
    const page = await openAs(root)
    for (const [route, paths] of Object.entries(routes)) {
      if (!/^\/(settings|admin)/.test(route)) continue
      for (const path of paths) {
        await go(page, path)
        await seen(page, nameOf(path))
      }
    }
  })

  it.each(['ada', 'root'] as const)('is fit to be seen in each dialog of %s', async (who) => {
    const page = await openAs(who === 'ada' ? ada.email : root)
    for (const [file, { of, at, open }] of Object.entries(dialogs)) {
      if (of !== who) continue
      await go(page, at)
      await settled(page)
      await open(page)
      await page.getByRole('dialog').last().waitFor()
      await seen(page, `dialog-${nameOf(file.replace('.tsx', ''))}`)
    }
  })

  it('is fit to be seen at each step of the wizard, and of the second door', async () => {
    const lee = await pages.addUser('lee')
    const page = await pages.open('/')
    const touch = await plugIn(page, passkey)
    await touch(false)
    await enterPassword(page, lee.email)
    await seen(page, 'wizard-method')
    for (const [name, way] of [
      ['totp', /^Authenticator app/],
      ['email', /^Code by e-mail/],
      ['yubikey', /^YubiKey/],
      ['webauthn', /^Passkey or security key/],
    ] as const) {
      await button(page, way).click()
      await seen(page, `wizard-${name}`)
      if (name !== 'webauthn') await button(page, 'Back').click()
    }
    await touch(true)
    await button(page, 'Go on in the browser').click()
    await page.getByLabel('I have saved these codes').check()
    await seen(page, 'wizard-codes')
    await touch(false)
    await button(page, 'Finish').click()
    await heading(page, 'Security')
    await signOut(page)
    await enterPassword(page, lee.email)
    await button(page, 'Use passkey or security key').waitFor()
    await seen(page, 'verify-webauthn')
    await enterPassword(await page.reload().then(() => page), ada.email)
    await enterCode(page, ada.phone.wrong())
    await page.getByRole('alert').waitFor()
    await seen(page, 'verify-wrong')
    for (const [name, way] of [
      ['backup', 'Backup code'],
      ['pass', 'Pass from the helpdesk'],
    ] as const) {
      await button(page, new RegExp(`^${way}`)).click()
      await seen(page, `verify-${name}`)
    }
  })

  it('has room for longer words on a phone', async () => {
    const page = await pages.open('/', { size: 'phone', locale: 'de-DE' })
    await page.getByRole('heading', { level: 1, name: 'Anmelden' }).waitFor()
    expect(await page.evaluate('document.documentElement.lang')).toBe('de')
    await page.getByLabel('E-Mail-Adresse').fill(root)
    await page.getByLabel('Passwort', { exact: true }).fill(password)
    await button(page, 'Anmelden').click()
    await page.getByRole('heading', { level: 1, name: 'Sicherheit' }).waitFor()
    for (const path of Object.values(routes).flat()) {
      await page.goto(pages.url + real(path))
      await settled(page)
      await fits(page, path)
      await picture(page, `${nameOf(path)}-german`)
    }
  })
})
