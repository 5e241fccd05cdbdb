import { parseGatePolicies, randomId, type SignInOutcome, type Subject, systemRandom } from '@sallyport/core'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { databases, type Place } from './support/databases.ts'
import { chainOf, type Harness, openHarness } from './support/harness.ts'
import { createLogin, home, type Login } from './support/login.ts'

const minute = 60_000
const day = 24 * 60 * minute

describe.each(databases)('trusted browsers on $database', ({ open }) => {
  let place: Place
  let harness: Harness
  let other: Harness
  let login: Login
  let user: Subject

  beforeAll(async () => {
    place = await open()
    harness = await openHarness({ location: place.location })
    other = await openHarness({ location: place.location })
  }, 120_000)

  afterAll(async () => {
    await Promise.all([harness?.close(), other?.close()])
    await place?.remove()
  })

  beforeEach(async () => {
    harness.clock.at += 2 * day
    other.clock.at = harness.clock.at
    login = createLogin(harness)
    user = await login.addUser()
    await harness.addPhone(user)
  })

  const by = (deviceToken: string, more: object = {}) => login.attempt(user, { deviceToken, ...more })
  const nextOf = (outcome: SignInOutcome) => ('device' in outcome ? outcome.device!.token : '')
  const entries = (type: string) =>
    harness.store.read((tx) => tx.ledger.latest(null, 10, { type, subject: user.id }))

  it('let their owner in without the second factor, and prove nothing', async () => {
    const outcome = await by(await login.trust(user))
    expect(outcome).toMatchObject({ status: 'signed_in', session: { factors: ['password'], provedAt: null } })
    const [entry] = await entries('attempt.completed')
    expect(JSON.parse(entry!.body)).toMatchObject({ data: { factors: [], device: expect.any(String) } })
  })

  it('get a new token at each use, for as long as they are trusted', async () => {
    let token = await login.trust(user)
    for (let week = 0; week < 4; week++) {
      const outcome = await by(token)
      expect(outcome.status).toBe('signed_in')
      expect(nextOf(outcome)).not.toBe(token)
      token = nextOf(outcome)
      harness.clock.at += 7 * day
    }
    harness.clock.at += 2 * day
    expect(await by(token)).toMatchObject({ status: 'mfa', device: null })
  })

  it('are trusted no longer when a token comes a second time, and their owner is told', async () => {
    const stolen = await login.trust(user)
    const mine = nextOf(await by(stolen))
    harness.clock.at += minute
    login.letters.length = 0
    expect(await by(stolen)).toMatchObject({ status: 'mfa', device: null })
    expect(await by(mine)).toMatchObject({ status: 'mfa', device: null })
    expect(login.letters).toMatchObject([{ kind: 'device_copied', facts: { address: home.address } }])
    const threats = await harness.store.read((tx) => tx.threats.latest(null, 1, { subject: user.id }))
    expect(threats).toMatchObject([{ type: 'device_token_reused', severity: 'high' }])
    const [entry] = await entries('device.token_reused')
    expect(JSON.parse(entry!.body)).toMatchObject({ data: { address: home.address } })
  })

  it('are known by their last token and by the factors of their trust, and spare no thief with an older one', async () => {
    const stolen = await login.trust(user)
    const mine = nextOf(await by(stolen))
    expect(await login.devices.recognise(stolen)).not.toBeNull()
    harness.clock.at += minute
    expect(await login.devices.recognise(stolen)).toBeNull()
    for (let guess = 0; guess < 10; guess++) await by(stolen, { password: 'wrong' })
    expect((await by(mine)).status).toBe('signed_in')
    const last = await login.trust(user)
    await harness.addPhone(user)
    expect(await login.devices.recognise(last)).toBeNull()
  })

  it('stay trusted when two tabs come at once, and believe one of them', async () => {
    const token = await login.trust(user)
    const beside = createLogin(other)
    const outcomes = await Promise.all(
      [login, beside, login, beside].map((node) => node.attempt(user, { deviceToken: token })),
    )
    const statuses = outcomes.map(({ status }) => status).sort()
    expect(statuses).toEqual(['mfa', 'mfa', 'mfa', 'signed_in'])
    expect(await entries('device.token_reused')).toEqual([])
    const winner = outcomes.find(({ status }) => status === 'signed_in')!
    expect(await by(nextOf(winner))).toMatchObject({ status: 'signed_in' })
  })

  it('are believed for their own subject only', async () => {
    const stranger = await login.addUser()
    await harness.addPhone(stranger)
    const token = await login.trust(stranger)
    expect(await by(token)).toMatchObject({ status: 'mfa', device: null })
    expect(await login.attempt(stranger, { deviceToken: token })).toMatchObject({ status: 'signed_in' })
  })

  it('open nothing by a wrong password, and lose no token by it', async () => {
    const token = await login.trust(user)
    expect(await login.wrong(user, { deviceToken: token })).toEqual({ status: 'refused' })
    expect(await by(token)).toMatchObject({ status: 'signed_in' })
  })

  it('are believed from the browser that was trusted only, whatever its version', async () => {
    const firefox = (version: number) => ({
      userAgent: `Mozilla/5.0 (X11; Linux x86_64; rv:${version}.0) Gecko/20100101 Firefox/${version}.0`,
    })
    const trusted = { subject: user, token: null, ...home, ...firefox(140) }
    const { token } = await harness.store.transaction((tx) => login.devices.remember(tx, trusted))
    const userAgent =
      'Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 Chrome/140.0 Safari/537.36'
    expect(await by(token, { userAgent })).toMatchObject({ status: 'mfa' })
    expect(await by(token, { userAgent: null })).toMatchObject({ status: 'mfa' })
    expect(await by(token, firefox(141))).toMatchObject({ status: 'signed_in' })
    expect(await login.devices.list(user.id)).toMatchObject([{ browser: 'Firefox on Linux' }])
  })

  it.each([
    ['nothing', ''],
    ['another', `spd_${Buffer.alloc(32, 7).toString('base64url')}`],
    ['a megabyte', `spd_${'A'.repeat(1_000_000)}`],
    ['what stands for NULL', 'spd_\0'],
  ])('take no %s for a token', async (_, token) => {
    await login.trust(user)
    expect(await by(token)).toMatchObject({ status: 'mfa', device: null })
  })

  it('are not trusted from before the clock was set back', async () => {
    const token = await login.trust(user)
    harness.clock.at -= day
    expect(await by(token)).toMatchObject({ status: 'mfa' })
  })

  describe('are forgotten', () => {
    it('when a factor is added', async () => {
      const token = await login.trust(user)
      await harness.addPhone(user)
      expect(await login.devices.list(user.id)).toEqual([])
      expect(await by(token)).toMatchObject({ status: 'mfa', device: null })
    })

    it('when a factor is removed', async () => {
      const { enrolment } = await harness.addPhone(user)
      const token = await login.trust(user)
      await harness.enrolments.revoke({ subject: user, enrolmentId: enrolment.id })
      expect(await login.devices.list(user.id)).toEqual([])
      expect(await by(token)).toMatchObject({ status: 'mfa', device: null })
    })

    it('when their owner signs out everywhere', async () => {
      const token = await login.trust(user)
      await login.sessions.revokeAll({ subjectId: user.id, actor: null, reason: 'signed_out_everywhere' })
      expect(await by(token)).toMatchObject({ status: 'mfa', device: null })
    })

    it('when the password is changed', async () => {
      const token = await login.trust(user)
      const { session } = (await by(token)) as { session: Parameters<Login['change']>[0] }
      expect((await login.change(session)).status).toBe('changed')
      expect(await login.devices.list(user.id)).toEqual([])
    })

    it('when their owner says so, and by nobody else', async () => {
      const token = await login.trust(user)
      const [device] = await login.devices.list(user.id)
      const stranger = await login.addUser()
      const end = (subjectId: string) => login.devices.revoke({ id: device!.id, subjectId, actor: null })
      expect(await end(stranger.id)).toBe(false)
      expect([await end(user.id), await end(user.id)]).toEqual([true, false])
      expect(await by(token)).toMatchObject({ status: 'mfa', device: null })
    })

    it('when the same browser is trusted anew', async () => {
      const token = await login.trust(user)
      await harness.store.transaction((tx) => login.devices.remember(tx, { subject: user, token, ...home }))
      expect(await login.devices.list(user.id)).toHaveLength(1)
      expect(await by(token)).toMatchObject({ status: 'mfa', device: null })
    })
  })

  describe('under policies', () => {
    const rule = (more: object) =>
      parseGatePolicies({ policies: [{ name: 'ours', action: 'chain', chain: chainOf(['totp']), ...more }] })

    it('are believed where the rule says so', async () => {
      const allowing = createLogin(harness, { policies: rule({ trusted_devices: true }) })
      const token = await allowing.trust(user)
      expect(await allowing.attempt(user, { deviceToken: token })).toMatchObject({ status: 'signed_in' })
    })

    it('are asked all the same where it does not, and go on being known', async () => {
      const demanding = createLogin(harness, { policies: rule({}) })
      const token = await demanding.trust(user)
      const outcome = await demanding.attempt(user, { deviceToken: token })
      expect(outcome).toMatchObject({ status: 'mfa', attempt: { trustedDevices: false } })
      expect(await by(nextOf(outcome))).toMatchObject({ status: 'signed_in' })
    })

    it('do not open what is denied', async () => {
      const policies = parseGatePolicies({ policies: [{ name: 'closed', action: 'deny' }] })
      const closed = createLogin(harness, { policies })
      const token = await closed.trust(user)
      expect(await closed.attempt(user, { deviceToken: token })).toMatchObject({ status: 'denied' })
    })

    it('are no new device', async () => {
      const policies = parseGatePolicies({
        policies: [{ name: 'new', when: { new_device: true }, action: 'deny' }],
        otherwise: 'allow',
      })
      const known = createLogin(harness, { policies })
      expect(await known.attempt(user)).toMatchObject({ status: 'denied', rule: 'new' })
      const token = await known.trust(user)
      expect(await known.attempt(user, { deviceToken: token })).toMatchObject({ status: 'signed_in' })
    })
  })

  it('are nobody’s once their owner is erased', async () => {
    const token = await login.trust(user)
    await harness.store.transaction((tx) => tx.subjects.erase(user.id, harness.clock.at))
    expect(await login.devices.recognise(token)).toBeNull()
    expect(await login.devices.recognise(`spd_${randomId(systemRandom)}`)).toBeNull()
  })
})
