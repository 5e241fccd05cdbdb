import type { Page } from 'playwright-core'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { picture, seriousFindings } from './support/browser.ts'
import { openPages, type Pages, root } from './support/open-pages.ts'

let pages: Pages
beforeAll(async () => {
  pages = await openPages()
  await pages.makeRoot()
})
afterAll(() => pages?.close())

it('shows people what happened to their account, and more of it when asked', async () => {
  const { email } = await pages.addUser('lee')
  const headers = { 'x-forwarded-for': '203.0.113.9' }
  for (let guess = 0; guess < 9; guess++)
    await pages.call('POST', '/auth/login', { headers, body: { email, password: 'a guess of a stranger' } })
  await pages.login(email)
  const page = await pages.open('/settings/security', { as: email })
  const activity = page.getByRole('region', { name: 'Recent activity' })
  await activity.getByText('Signed in: Password').first().waitFor()
  await activity.getByText(/ · A browser · 127\.0\.0\.1$/).waitFor()
  expect(await activity.getByText('Wrong password').count()).toBe(6)
  expect(await activity.getByText(/203\.0\.113\.9/).count()).toBe(6)
  await activity.getByRole('button', { name: 'Show more' }).click()
  await activity.getByText('Account created').waitFor()
  expect(await activity.getByText('Wrong password').count()).toBe(9)
  await activity
    .getByText(/by an administrator$/)
    .first()
    .waitFor()
  expect(await activity.getByRole('button', { name: 'Show more' }).count()).toBe(0)
  expect(await seriousFindings(page)).toEqual([])
  // What is done here is seen here.
  await page.getByRole('button', { name: 'Sign out A browser' }).click()
  await activity.getByText('Signed out').waitFor()
})

it('says when it cannot be shown, and tries again', async () => {
  let fails = true
  const prepare = (page: Page) =>
    page.route('**/auth/activity?*', (route) =>
      fails ? route.fulfill({ status: 403, json: { status: 403, code: 'forbidden' } }) : route.continue(),
    )
  const page = await pages.open('/settings/security', { as: root, prepare })
  const activity = page.getByRole('region', { name: 'Recent activity' })
  await activity.getByRole('alert').waitFor()
  fails = false
  await activity.getByRole('button', { name: 'Try again' }).click()
  await activity.getByText('Signed in: Password').first().waitFor()
})

it.each([
  { colorScheme: 'light', size: 'wide' },
  { colorScheme: 'dark', size: 'phone', locale: 'de-DE' },
] as const)('is fit to be seen: $colorScheme, $size', async (look) => {
  const page = await pages.open('/settings/security', { as: root, ...look })
  await page
    .getByText(/^(Signed in: Password|Angemeldet: Passwort)$/)
    .first()
    .waitFor()
  expect(await seriousFindings(page)).toEqual([])
  await picture(page, `activity-${look.colorScheme}-${look.size}`)
  const overflow = 'document.documentElement.scrollWidth - document.documentElement.clientWidth'
  expect(await page.evaluate(overflow)).toBe(0)
})
