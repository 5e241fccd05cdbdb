import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { oathtool, picture } from './support/browser.ts'
import {
  button,
  connect,
  enterCode,
  enterPassword,
  heading,
  openPages,
  type Pages,
  password,
  root,
  seesItsEnd,
  signOut,
} from './support/open-pages.ts'

const day = 24 * 3_600_000
const stepsADay = day / 30_000
const enforced = (grace: string) => ({ roles: ['STAFF'], security: { mfa: { roles: rule(grace) } } })
const rule = (grace: string) => ({ STAFF: { required: true, grace } })

/** Two of two, in an order that is drawn anew for each attempt and after each fault. */
const drawn = {
  policies: [
    { name: 'root', when: { subjects: root }, action: 'allow' },
    {
      ...{ name: 'two doors, drawn', action: 'chain', too_few: 'enrol' },
      chain: {
        ...{ mode: 'random', required_steps: 2 },
        factors: [
          { id: 'app', label: 'Authenticator', type: 'totp' },
          { id: 'paper', label: 'Paper', type: 'backup' },
        ],
      },
    },
  ],
}

describe('what people go through on the pages', () => {
  let pages: Pages

  beforeAll(async () => {
    pages = await openPages({ config: { roles: ['STAFF'] } })
    await pages.makeRoot()
  })
  afterAll(() => pages?.close())

  it('leads an invited person from the letter to their own page', async () => {
    const page = await pages.open('/admin/people')
    await enterPassword(page, root)
    await button(page, 'Invite').click()
    const dialog = page.getByRole('dialog')
    await dialog.getByLabel('E-mail address').fill('ivy@example.org')
    await dialog.getByLabel('Mail it to them').check()
    await dialog.getByRole('button', { name: 'Invite' }).click()
    await page.getByText('The link is on its way by e-mail.').waitFor()
    await button(page, 'Done').click()
    await page.getByText('ivy@example.org').waitFor()

    const link = await pages.linkTo('ivy@example.org', 0)
    const theirs = await pages.open('/')
    await theirs.goto(link)
    await heading(theirs, 'Welcome')
    expect(theirs.url()).not.toContain('token')
    await theirs.getByLabel('New password').fill(password)
    await button(theirs, 'Set the password').click()
    await theirs.getByLabel('New password').waitFor({ state: 'hidden' })
    await theirs.getByRole('link', { name: 'Go to sign in' }).click()
    await enterPassword(theirs, 'ivy@example.org')
    await heading(theirs, 'Security')
    await theirs.getByText('Multi-factor authentication is off').waitFor()
    // A link works once.
    await theirs.goto(link)
    await theirs.getByLabel('New password').fill(password)
    await button(theirs, 'Set the password').click()
    await heading(theirs, 'This link cannot be used')
  })

  it('tells a person that their factors were reset, and helps them to new ones', async () => {
    const mia = await pages.addPhone('mia')
    const theirs = await pages.open('/')
    await enterPassword(theirs, mia.email)
    await enterCode(theirs, await mia.phone.code())
    await heading(theirs, 'Security')
    const before = pages.mail.mails.length

    const page = await pages.open(`/admin/people/${mia.id}`)
    await enterPassword(page, root)
    await button(page, 'Reset factors').click()
    const dialog = page.getByRole('dialog')
    await dialog.getByLabel('Reason').fill('The phone is at the bottom of the lake')
    await dialog.getByLabel('Mail it to them').check()
    await dialog.getByRole('button', { name: 'Reset factors' }).click()
    await page.getByText('The link is on its way by e-mail.').waitFor()

    await seesItsEnd(theirs)
    const link = await pages.linkTo(mia.email, before)
    expect(link).toContain('/enrol#token=')
    await theirs.goto(link)
    await heading(theirs, 'Set up a new factor')
    await theirs.getByLabel('Password', { exact: true }).fill('not my password')
    await button(theirs, 'Go on').click()
    await theirs.getByRole('alert').getByText('E-mail address or password is wrong').waitFor()
    await theirs.getByLabel('Password', { exact: true }).fill(password)
    await button(theirs, 'Go on').click()
    await heading(theirs, 'Protect your account')
    const { phone } = await connect(theirs)
    await heading(theirs, 'Security')
    await theirs.getByText('10 codes left').waitFor()
    await signOut(theirs)
    await enterPassword(theirs, mia.email)
    await enterCode(theirs, await mia.phone.code())
    await theirs.getByRole('alert').waitFor()
    await enterCode(theirs, await phone.code())
    await heading(theirs, 'Security')
  })

  it('turns it off where nobody demands it, and changes a password', async () => {
    const lee = await pages.addPhone('lee')
    const elsewhere = await pages.open('/')
    await enterPassword(elsewhere, lee.email)
    await enterCode(elsewhere, await lee.phone.code())
    await heading(elsewhere, 'Security')
    const page = await pages.open('/')
    await enterPassword(page, lee.email)
    await enterCode(page, await lee.phone.code())
    await button(page, 'Change password').click()
    const dialog = page.getByRole('dialog')
    await dialog.getByLabel('Current password').fill(password)
    await dialog.getByLabel('New password').fill('Quartz-lantern-ferry-10')
    await dialog.getByRole('button', { name: 'Change password' }).click()
    await page.getByText('Your password is changed. Every other device is signed out.').waitFor()
    await seesItsEnd(elsewhere)

    await button(page, 'Turn off').click()
    await page.getByRole('dialog', { name: 'Turn off multi-factor authentication?' }).waitFor()
    await enterCode(page, await lee.phone.code())
    await page.getByText('Multi-factor authentication is off').waitFor()
    await signOut(page)
    await enterPassword(page, lee.email)
    await page.getByRole('alert').getByText('E-mail address or password is wrong').waitFor()
    await enterPassword(page, lee.email, 'Quartz-lantern-ferry-10')
    await heading(page, 'Security')
  })

  it('asks of a role what the configuration demands from now on, in the order that is drawn', async () => {
    const theo = await pages.addUser('theo', 'STAFF')
    const page = await pages.open('/')
    await enterPassword(page, theo.email)
    await page.getByText('Multi-factor authentication is off').waitFor()
    expect(await page.getByText('Required by your organisation').count()).toBe(0)

    const login_policies = pages.write('drawn.json', drawn)
    await page.goto('about:blank')
    await pages.restart({ ...enforced('0s'), login_policies })
    // Who is signed in stays so, and sees what is demanded now.
    await page.goto(`${pages.url}/settings/security`)
    await page.getByText('Required by your organisation').waitFor()
    await signOut(page)
    await enterPassword(page, theo.email)
    await heading(page, 'Protect your account')
    const { phone, backup } = await connect(page)
    let paper = 0
    // The form of the step that is asked for now.
    const prove = async (right: boolean) => {
      const field = page.getByLabel(/^(Six-digit code|Backup code)$/)
      await field.waitFor()
      if (await page.getByLabel('Six-digit code').isVisible())
        return enterCode(page, right ? await phone.code() : phone.wrong())
      await field.fill(right ? backup[paper++]! : 'XXXX-XXXX')
      await button(page, 'Confirm').click()
    }
    const passed = page.getByText('Right. One more step.')
    await page.getByText(/^Step [12] of 2/).waitFor()
    if (!(await page.getByText('Step 2 of 2').isVisible())) {
      await prove(true)
      await passed.waitFor()
    }
    await prove(false)
    await page.getByText('both doors are shut again').waitFor()
    await page.getByText('Step 1 of 2').waitFor()
    await picture(page, 'chain-drawn-reset')
    await prove(true)
    await passed.waitFor()
    await prove(true)
    await heading(page, 'Security')
  })

  it('demands a second factor of a role: with a date first, then before anything else', async () => {
    await pages.restart(enforced('3d'))
    const [noah, emma] = [await pages.addUser('noah', 'STAFF'), await pages.addUser('emma', 'STAFF')]
    const page = await pages.open('/')
    await enterPassword(page, noah.email)
    const date = new Intl.DateTimeFormat('en-GB', { dateStyle: 'medium' }).format(Date.now() + 3 * day)
    await page.getByRole('alert').getByText(`add one by ${date}`).waitFor()
    await page.getByText('Required by your organisation').waitFor()
    await picture(page, 'security-grace')
    await button(page, 'Turn on').click()
    const { secret, phone } = await connect(page)
    await page.getByText('Multi-factor authentication is on').waitFor()
    await page.getByText('add one by').waitFor({ state: 'detached' })
    expect(await button(page, 'Turn off').count()).toBe(0)
    await button(page, 'Remove Authenticator app').click()
    await page.getByText('your backup codes are void').waitFor()
    await picture(page, 'remove-last')
    await button(page, 'Add the new one first').click()
    await button(page, /^Authenticator app/).waitFor()
    await page.keyboard.press('Escape')
    await button(page, 'Remove Authenticator app').click()
    await button(page, 'Remove').click()
    await page.getByRole('dialog', { name: 'Confirm once more' }).waitFor()
    await enterCode(page, await phone.code())
    await page.getByRole('alert').getByText('Your organisation demands a second factor').waitFor()
    await button(page, 'Cancel').click()
    // Nobody's page asks a server that is being started anew.
    await signOut(page)
    const hers = await pages.open('/')
    await enterPassword(hers, emma.email)
    await hers.getByRole('alert').getByText(`add one by ${date}`).waitFor()
    await signOut(hers)

    // Four days later, on a server whose clock says so.
    const library = '/usr/lib/x86_64-linux-gnu/faketime/libfaketime.so.1'
    await pages.restart(enforced('3d'), { LD_PRELOAD: library, FAKETIME: '+4d' })
    await enterPassword(hers, emma.email)
    await heading(hers, 'Protect your account')
    await hers.getByText('This account needs a second way of proving that it is you').waitFor()
    await picture(hers, 'enrol-first')
    expect(await pages.post('/auth/login', { email: emma.email, password })).toMatchObject({
      enrollment_required: true,
    })
    await hers.goto(`${pages.url}/settings/security`)
    await heading(hers, 'Sign in')
    await enterPassword(hers, emma.email)
    await connect(hers, (hidden) => oathtool(hidden, 4 * stepsADay))
    await heading(hers, 'Security')
    await hers
      .getByText(/^Not signed in: began to set up a factor/)
      .first()
      .waitFor()
    await enterPassword(page, noah.email)
    await enterCode(page, oathtool(secret, 4 * stepsADay))
    await heading(page, 'Security')
  })
})
