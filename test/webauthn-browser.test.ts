import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Browser, CDPSession, Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import { launchBrowser } from './support/browser.ts'
import { type KeyGate, openKeyGate } from './support/key-gate.ts'
import { callsWith } from './support/service-gate.ts'

/** What a page does with the options, and nothing else: the rest of this test stands for its server. */
const pageText = `<!doctype html><title>Keys</title><script>
const make = async (options) => (await navigator.credentials.create({
  publicKey: PublicKeyCredential.parseCreationOptionsFromJSON(options) })).toJSON()
const ask = async (options) => (await navigator.credentials.get({
  publicKey: PublicKeyCredential.parseRequestOptionsFromJSON(options) })).toJSON()
</script>`

// A key that keeps names has a PIN: Chromium registers none that lacks one.
const keys = [
  { name: 'a passkey', protocol: 'ctap2', hasResidentKey: true, hasUserVerification: true },
  { name: 'a key that keeps no names, with a PIN', protocol: 'ctap2', hasUserVerification: true },
  { name: 'a key with neither', protocol: 'ctap2' },
  { name: 'a U2F key', protocol: 'u2f' },
] as const

type Key = (typeof keys)[number]

const policies = {
  policies: [
    {
      name: 'everybody',
      action: 'chain',
      passkey: true,
      chain: {
        mode: 'fixed',
        required_steps: 1,
        factors: [{ id: 'any', label: 'Any', any_of: ['totp', 'backup', 'webauthn'] }],
      },
      too_few: 'enrol',
    },
  ],
}

describe('security keys in Chromium', () => {
  let pages: Server
  let browser: Browser
  let gate: KeyGate

  beforeAll(async () => {
    pages = createServer((_, response) => response.setHeader('content-type', 'text/html').end(pageText))
    await new Promise<void>((resolve) => pages.listen(0, '127.0.0.1', resolve))
    gate = await openKeyGate({ policies, fido2: { rp_id: 'localhost', origins: [origin()] } })
    browser = await launchBrowser()
  }, 60_000)
  afterAll(async () => {
    await browser?.close()
    await gate?.close()
    pages?.close()
  })

  const origin = () => `http://localhost:${(pages.address() as AddressInfo).port}`

  /** A page of ours in a browser with that key plugged in. */
  async function plugIn(key: Key) {
    const context = await browser.newContext()
    onTestFinished(() => context.close())
    const page = await context.newPage()
    await page.goto(origin())
    const session = await context.newCDPSession(page)
    await session.send('WebAuthn.enable')
    const authenticatorId = await plug(session, key)
    return { page, session, authenticatorId, key }
  }

  async function plug(session: CDPSession, { name: _, ...key }: Key) {
    const { authenticatorId } = await session.send('WebAuthn.addVirtualAuthenticator', {
      options: { transport: 'usb', isUserVerified: true, automaticPresenceSimulation: true, ...key },
    })
    return authenticatorId
  }

  // biome-ignore lint/suspicious/noExplicitAny: what the browser makes goes to the server as it is
  const run = (page: Page, what: 'make' | 'ask', options: unknown): Promise<any> =>
    page.evaluate(`${what}(${JSON.stringify(options)})`)

  async function enrolAndSignIn(page: Page) {
    const { subject, token } = await signUp()
    const { body: creation } = await gate.post('/auth/mfa/enroll/webauthn/options', {}, token)
    const made = await run(page, 'make', creation)
    const enrolled = await gate.post('/auth/mfa/enroll/webauthn/verify', { response: made }, token)
    expect(enrolled.body.credential_id ?? enrolled.text).toBe(made.id)
    return { subject, done: await signIn(page, subject) }
  }

  /** Somebody whom the policy lets do nothing but enrol. */
  async function signUp() {
    const subject = await gate.addUser()
    const { body } = await gate.login(subject)
    return { subject, token: body.enrollment_token as string }
  }

  async function signIn(page: Page, subject: Awaited<ReturnType<typeof signUp>>['subject']) {
    const { body } = await gate.login(subject)
    const { temp_token } = body
    const { body: request } = await gate.post('/auth/mfa/webauthn/options', { temp_token })
    return gate.verify(temp_token, await run(page, 'ask', request))
  }

  it.each(keys)('$name signs in at /auth', async (key) => {
    const { page } = await plugIn(key)
    const { subject, done } = await enrolAndSignIn(page)
    expect([done.status, done.body.user_id]).toEqual([200, subject.id])
    const twice = await signIn(page, subject)
    expect(twice.status).toBe(200)
    expect(await gate.ledgerOf({ type: 'enrolment.locked', subject: subject.id })).toEqual([])
  })

  it.each(keys)('$name is verified at /api/mfa', async (key) => {
    const { page } = await plugIn(key)
    const client = callsWith(gate.url, await gate.addApiKey('pbx'))
    const extension = key.name
    const begun = await client.post('enroll-fido2', { extension, device_name: key.name })
    const made = await run(page, 'make', begun.body)
    const enrolled = await client.post('enroll-fido2', { extension, response: made })
    expect(enrolled.body).toEqual({ success: true, credential_id: made.id })
    const asked = await client.post('challenge', { extension, method: 'webauthn' })
    const answer = { extension, response: await run(page, 'ask', asked.body) }
    expect((await client.post('verify', answer)).body).toEqual({ success: true, method: 'webauthn' })
    expect((await client.post('verify', answer)).status).toBe(401)
  })

  it.each([
    ['with no name typed', keys[0], false],
    ['by its address, where the key keeps no names', keys[1], true],
  ])('signs in without a password %s', async (_, key, named) => {
    const { page } = await plugIn(key)
    const { subject } = await enrolAndSignIn(page)
    const { body: request } = await gate.post('/auth/passkey/options', named ? { email: subject.email } : {})
    const response = await run(page, 'ask', request)
    const { status, body } = await gate.post('/auth/passkey/verify', { response })
    expect([status, body.user_id]).toEqual([200, subject.id])
  })

  it('finds a copied key', async () => {
    const { page, session, authenticatorId, key } = await plugIn(keys[0])
    const { subject } = await enrolAndSignIn(page)
    const { credentials } = await session.send('WebAuthn.getCredentials', { authenticatorId })
    expect((await signIn(page, subject)).status).toBe(200)
    await session.send('WebAuthn.removeVirtualAuthenticator', { authenticatorId })
    const copy = await plug(session, key)
    await session.send('WebAuthn.addCredential', { authenticatorId: copy, credential: credentials[0]! })
    const refused = await signIn(page, subject)
    expect(refused.body).toMatchObject({ code: 'invalid_code', detail: expect.stringContaining('copy') })
    expect(await gate.ledgerOf({ type: 'enrolment.locked', subject: subject.id })).toHaveLength(1)
  })
})
