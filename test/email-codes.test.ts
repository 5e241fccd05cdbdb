import {
  createEmailCodes,
  createEmailFactor,
  createOutbox,
  type EmailCodes,
  emailUsable,
  type Factor,
  type Mailer,
  newTotpSecret,
  type Outbox,
  type Subject,
  stepKinds,
  systemRandom,
} from '@sallyport/core'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { databases, type Place } from './support/databases.ts'
import { chainOf, epoch, type Harness, openHarness, type Phone, wrongCode } from './support/harness.ts'

const minute = 60_000
const hour = 60 * minute
const anyOf = chainOf([['totp', 'email', 'backup']], { onFailure: 'retry' })
/** So wide that only the tries of a code are left to bound the guessing. */
const generous = { attempts: 1_000, within: minute, lockFor: [minute], decayAfter: hour, ceiling: 10_000 }

interface Node extends Harness {
  outbox: Outbox
  codes: EmailCodes
  sent: { to: string; text: string }[]
  judged: { count: number }
}

/** The product's mail, with a postbox in the place of a mail server. */
async function openNode(location: string, limits = generous): Promise<Node> {
  const judged = { count: 0 }
  const real = createEmailFactor()
  const counting: Factor = {
    ...real,
    verify: async (claim) => {
      judged.count++
      return real.verify(claim)
    },
  }
  const harness = await openHarness({ location, limits, factors: [counting] })
  const sent: Node['sent'] = []
  const mailer: Mailer = { send: async ({ to, text }) => void sent.push({ to, text }) }
  const parts = { ...harness, random: systemRandom, issuer: 'Test', log: { warn: () => undefined } }
  const outbox = createOutbox({ ...parts, mailer })
  return { ...harness, outbox, sent, judged, codes: createEmailCodes({ ...parts, outbox, limits }) }
}

describe.each(databases)('codes by mail on $database', ({ open }) => {
  let place: Place
  let node: Node
  let other: Node
  let anna: Subject
  let phone: Phone
  let people = 0

  beforeAll(async () => {
    place = await open()
    node = await openNode(place.location)
    other = await openNode(place.location)
  }, 120_000)

  afterAll(async () => {
    await node?.close()
    await other?.close()
    await place?.remove()
  })

  beforeEach(async () => {
    node.clock.at = other.clock.at = epoch
    await node.outbox.kick()
    node.sent.length = node.judged.count = 0
    anna = await addPerson()
    phone = await node.addPhone(anna)
  })

  const addPerson = (more: Parameters<Harness['addSubject']>[0] = {}) =>
    node.addSubject({ email: `person${++people}@example.org`, emailVerified: true, ...more })

  async function requestCode(subject = anna): Promise<string> {
    expect(await node.codes.send({ subject, purpose: 'sign-in' })).toEqual({ status: 'sent' })
    await node.outbox.kick()
    const { to, text } = node.sent.at(-1)!
    expect(to).toBe(subject.email)
    return codeIn(text)
  }

  const codeIn = (text: string) => /^ {4}(\d{6})$/m.exec(text)![1]!
  const another = (code: string) => (code === '000000' ? '000001' : '000000')
  const update = (subject: Subject, change: Partial<Subject>) =>
    node.store.transaction((tx) => tx.subjects.update(subject.id, change))
  const statusOf = async (input: unknown, subject = anna) =>
    (await node.verifyOnce(subject, input, anyOf)).status
  const enrolled = async (subject: Subject) => {
    const fresh = (await node.store.read((tx) => tx.subjects.find(subject.id)))!
    const policies = { policies: [{ name: 'p', action: 'chain', chain: anyOf, too_few: 'enrol' }] }
    return node.begin(fresh, policies).then(
      ({ chain }) => stepKinds(chain[0]!),
      () => [],
    )
  }

  it('lets in who has lost the phone', async () => {
    const code = await requestCode()
    const outcome = await node.verifyOnce(anna, code, anyOf)
    expect(outcome).toMatchObject({ status: 'complete', attempt: { passed: [{ factor: 'email' }] } })
    expect(await node.store.read((tx) => tx.challenges.live(anna.id, 'email', epoch))).toBeNull()
    expect(await node.ledgerTypes(anna)).toEqual([
      'email.code_sent',
      'attempt.started',
      'attempt.step_passed',
      'attempt.completed',
    ])
  })

  it('accepts a code once, whatever attempt it comes to', async () => {
    const code = await requestCode()
    expect(await statusOf(code)).toBe('complete')
    expect(await statusOf(code)).toBe('rejected')
  })

  it('accepts one of many at once, across nodes', async () => {
    const code = await requestCode()
    const attempts = await Promise.all(Array.from({ length: 5 }, () => node.begin(anna, anyOf)))
    const outcomes = await Promise.all(
      attempts.map(({ id: attemptId }, at) =>
        [node, other][at % 2]!.attempts.verify({ attemptId, input: code }),
      ),
    )
    expect(outcomes.filter(({ status }) => status === 'complete')).toHaveLength(1)
  })

  it('voids a code by sending another', async () => {
    const first = await requestCode()
    const second = await requestCode()
    expect(await statusOf(first)).toBe(first === second ? 'complete' : 'rejected')
    expect(await statusOf(second)).toBe('complete')
  })

  it('ends a code after ten minutes', async () => {
    const code = await requestCode()
    node.clock.at += 10 * minute
    expect(await statusOf(code)).toBe('rejected')
    node.clock.at -= 1
    expect(await statusOf(code)).toBe('complete')
  })

  it('does not revive codes by setting the clock back', async () => {
    const code = await requestCode()
    node.clock.at -= 24 * hour
    expect(await statusOf(code)).toBe('rejected')
  })

  it('judges a code five times', async () => {
    const code = await requestCode()
    for (let guess = 0; guess < 5; guess++) expect(await statusOf(another(code))).toBe('rejected')
    expect(await statusOf(code)).toBe('rejected')
    expect(node.judged.count).toBe(5)
  })

  it('judges no more than five of many guesses at once', async () => {
    const code = await requestCode()
    other.judged.count = 0
    const attempt = await node.begin(anna, anyOf)
    const guess = (at: number) =>
      [node, other][at % 2]!.attempts.verify({ attemptId: attempt.id, input: another(code) })
    await Promise.all(Array.from({ length: 32 }, (_, at) => guess(at)))
    expect(node.judged.count + other.judged.count).toBe(5)
    expect(await statusOf(code)).toBe('rejected')
  })

  it('takes no try from a code while the subject is locked, nor for what is no code', async () => {
    const limits = { ...generous, attempts: 2 }
    const strict = await openNode(place.location, limits)
    const code = await requestCode()
    await statusOf('nonsense')
    const attempt = await strict.begin(anna, anyOf)
    const submit = () => strict.attempts.verify({ attemptId: attempt.id, input: 'not a code' })
    await submit()
    const second = await strict.begin(anna, anyOf)
    const locked = await strict.attempts.verify({ attemptId: second.id, input: another(code) })
    expect(locked.status).toBe('locked')
    const live = await node.store.read((tx) => tx.challenges.live(anna.id, 'email', epoch))
    expect(live?.triesLeft).toBe(5)
    node.clock.at += 2 * minute
    expect(await statusOf(code)).toBe('complete')
    await strict.close()
  })

  it('takes no try where another method was named', async () => {
    await requestCode()
    const attempt = await node.begin(anna, anyOf)
    const input = wrongCode(phone, epoch)
    await node.attempts.verify({ attemptId: attempt.id, input, method: 'totp' })
    expect(node.judged.count).toBe(0)
    await node.attempts.verify({ attemptId: attempt.id, input, method: 'email' })
    expect(node.judged.count).toBe(1)
  })

  it("refuses another person's code", async () => {
    const bertha = await addPerson()
    await node.addPhone(bertha)
    const [mine, theirs] = [await requestCode(), await requestCode(bertha)]
    if (mine === theirs) return
    expect(await statusOf(theirs)).toBe('rejected')
    expect(await statusOf(mine, bertha)).toBe('rejected')
    expect(await statusOf(mine)).toBe('complete')
    expect(await statusOf(theirs, bertha)).toBe('complete')
  })

  it('judges nothing of another shape', async () => {
    const code = await requestCode()
    const wide = [...code].map((digit) => String.fromCharCode(digit.charCodeAt(0) + 0xfee0)).join('')
    const shapes = [Number(code), null, undefined, [code], { code }, ` ${code}`, `${code}\n`, wide]
    for (const input of [...shapes, `${code.slice(0, 3)} ${code.slice(3)}`, '1'.repeat(1 << 20)]) {
      expect(await statusOf(input)).toBe('rejected')
    }
    expect(node.judged.count).toBe(0)
    expect(await statusOf(code)).toBe('complete')
  })

  it('passes one step of a chain and no second', async () => {
    const two = chainOf([['email', 'totp'], ['email']])
    await expect(node.begin(anna, two)).resolves.toMatchObject({ chain: [{ id: 'step1' }, { id: 'step2' }] })
    const attempt = await node.begin(anna, two)
    const verify = (input: string) => node.attempts.verify({ attemptId: attempt.id, input })
    expect((await verify(await requestCode())).status).toBe('advanced')
    expect((await verify(await requestCode())).status).toBe('rejected')
  })

  describe('sending', () => {
    it('sends three of 64 at once, across nodes', async () => {
      const sends = Array.from({ length: 64 }, (_, at) =>
        [node, other][at % 2]!.codes.send({ subject: anna, purpose: 'sign-in' }),
      )
      const statuses = (await Promise.all(sends)).map(({ status }) => status)
      expect(statuses.filter((status) => status === 'sent')).toHaveLength(3)
      expect(statuses.filter((status) => status === 'too_many')).toHaveLength(61)
    })

    it('sends again when the first of three is an hour old', async () => {
      await requestCode()
      node.clock.at += 20 * minute
      await requestCode()
      await requestCode()
      const refused = await node.codes.send({ subject: anna, purpose: 'step-up' })
      expect(refused).toEqual({ status: 'too_many', until: epoch + hour + 5 * minute })
      node.clock.at = epoch + hour
      expect((await node.codes.send({ subject: anna, purpose: 'sign-in' })).status).toBe('too_many')
      node.clock.at = epoch + hour + 1
      await requestCode()
    })

    it('forgets no send because the clock was set back', async () => {
      for (let send = 0; send < 3; send++) await requestCode()
      node.clock.at -= 24 * hour
      const refused = await node.codes.send({ subject: anna, purpose: 'sign-in' })
      expect(refused).toEqual({ status: 'too_many', until: node.clock.at + hour })
    })

    it('stores nothing when it cannot seal', async () => {
      const seal = () => {
        throw new Error('no key')
      }
      const { store, vault, clock, outbox } = node
      const parts = { store, clock, outbox, random: systemRandom }
      const broken = createEmailCodes({ ...parts, vault: { ...vault, seal } })
      await expect(broken.send({ subject: anna, purpose: 'sign-in' })).rejects.toThrow('no key')
      expect(await node.store.read((tx) => tx.challenges.countSince(anna.id, 'email', 0))).toBe(0)
      expect(await node.ledgerTypes(anna)).toEqual([])
    })

    it('counts the same for those whom nothing can be sent to', async () => {
      const nobody = await node.addSubject()
      const plain = await addPerson({ emailVerified: false })
      for (const subject of [nobody, plain]) {
        await node.addPhone(subject)
        const outcomes = []
        for (let send = 0; send < 4; send++) {
          outcomes.push(await node.codes.send({ subject, purpose: 'sign-in' }))
        }
        expect(outcomes.map(({ status }) => status)).toEqual([
          'unavailable',
          'unavailable',
          'unavailable',
          'too_many',
        ])
        expect(await node.ledgerTypes(subject)).toEqual(Array(3).fill('email.code_withheld'))
      }
      await node.outbox.kick()
      expect(node.sent).toEqual([])
    })
  })

  describe('who may use it', () => {
    it('is a fallback beside another factor, and turns nothing on by itself', async () => {
      expect(await enrolled(anna)).toEqual(['totp', 'email'])
      expect(await enrolled(await addPerson())).toEqual([])
      expect(emailUsable(anna, [phone.enrolment], epoch)).toBe(true)
      expect(emailUsable(anna, [{ ...phone.enrolment, factor: 'password' }], epoch)).toBe(false)
      const unverified = await addPerson({ emailVerified: false })
      await node.addPhone(unverified)
      expect(await enrolled(unverified)).toEqual(['totp'])
    })

    it('is no way in for an hour after a password reset, even when asked for before', async () => {
      const code = await requestCode()
      const attempt = await node.begin(anna, anyOf)
      await update(anna, { passwordResetAt: epoch })
      const { status } = await node.attempts.verify({ attemptId: attempt.id, input: code })
      expect(status).toBe('rejected')
      expect(await enrolled(anna)).toEqual(['totp'])
      expect((await node.codes.send({ subject: anna, purpose: 'sign-in' })).status).toBe('unavailable')
      node.clock.at = epoch + hour - 1
      expect(await enrolled(anna)).toEqual(['totp'])
      node.clock.at = epoch + hour
      expect(await enrolled(anna)).toEqual(['totp', 'email'])
    })

    it('is no fallback for administrators', async () => {
      await update(anna, { role: 'admin' })
      expect(await enrolled(anna)).toEqual(['totp'])
    })

    it('refuses a code that went to an address of before', async () => {
      const code = await requestCode()
      await update(anna, { email: 'new@example.org' })
      expect(await statusOf(code)).toBe('rejected')
    })
  })

  describe('enrolling', () => {
    async function begin(subject: Subject) {
      const begun = await node.codes.begin(subject)
      if (begun.status !== 'sent') throw new Error(begun.status)
      await node.outbox.kick()
      return { enrolment: begun.enrolment, code: codeIn(node.sent.at(-1)!.text) }
    }

    it('makes the address a factor of its own and verifies it', async () => {
      const carl = await addPerson({ emailVerified: false })
      const { enrolment, code } = await begin(carl)
      expect(await enrolled(carl)).toEqual([])
      const outcome = await node.codes.confirm({ subject: carl, enrolmentId: enrolment.id, code })
      expect(outcome).toMatchObject({ status: 'confirmed', enrolment: { factor: 'email', status: 'active' } })
      const stored = await node.store.read((tx) => tx.subjects.find(carl.id))
      expect(stored?.emailVerifiedAt).toBe(epoch)
      expect(await enrolled(carl)).toEqual(['email'])
      expect(await node.codes.begin(carl)).toEqual({ status: 'already_enrolled' })
      expect(await node.codes.confirm({ subject: carl, code })).toEqual({ status: 'nothing_pending' })
      expect(await node.ledgerTypes(carl)).toEqual(
        expect.arrayContaining(['enrolment.begun', 'enrolment.confirmed']),
      )

      node.clock.at += minute
      const again = await requestCode({ ...carl, emailVerifiedAt: epoch })
      expect(await statusOf(again, { ...carl, emailVerifiedAt: epoch })).toBe('complete')
      const used = await node.store.read((tx) => tx.enrolments.find(enrolment.id))
      expect(used).toMatchObject({ lastUsedAt: epoch + minute, settings: {} })
    })

    it('confirms with one of many at once', async () => {
      const { code } = await begin(anna)
      const confirms = Array.from({ length: 5 }, (_, at) =>
        [node, other][at % 2]!.codes.confirm({ subject: anna, code }),
      )
      const statuses = (await Promise.all(confirms)).map(({ status }) => status)
      expect(statuses.filter((status) => status === 'confirmed')).toHaveLength(1)
    })

    it('refuses a wrong code five times, and then the right one', async () => {
      const { code } = await begin(anna)
      for (const input of [Number(code), '', `${code} `]) {
        expect((await node.codes.confirm({ subject: anna, code: input })).status).toBe('rejected')
      }
      for (let guess = 0; guess < 5; guess++) {
        const outcome = await node.codes.confirm({ subject: anna, code: another(code) })
        expect(outcome.status).toBe('rejected')
      }
      expect((await node.codes.confirm({ subject: anna, code })).status).toBe('rejected')
    })

    it("costs the subject's own budget of guesses", async () => {
      const { code } = await begin(anna)
      const strict = await openNode(place.location, { ...generous, attempts: 1 })
      await strict.codes.confirm({ subject: anna, code: another(code) })
      expect(await strict.codes.confirm({ subject: anna, code })).toEqual({
        status: 'locked',
        until: epoch + minute,
      })
      await strict.close()
    })

    it('verifies no address but the one that the code went to', async () => {
      const carl = await addPerson({ emailVerified: false })
      const { code } = await begin(carl)
      await update(carl, { email: 'not-mine@example.org' })
      expect((await node.codes.confirm({ subject: carl, code })).status).toBe('rejected')
      const stored = await node.store.read((tx) => tx.subjects.find(carl.id))
      expect(stored?.emailVerifiedAt).toBeNull()
    })

    it('verifies no address that replaced it while the code was judged', async () => {
      const { code } = await begin(anna)
      const { store, clock, outbox, vault } = node
      const open: typeof vault.open = async (sealed) => {
        await update(anna, { email: 'not-mine@example.org', emailVerifiedAt: null })
        return vault.open(sealed)
      }
      const parts = { store, clock, outbox, random: systemRandom, vault: { ...vault, open } }
      const outcome = await createEmailCodes(parts).confirm({ subject: anna, code })
      expect(outcome.status).toBe('rejected')
      const stored = await node.store.read((tx) => tx.subjects.find(anna.id))
      expect(stored?.emailVerifiedAt).toBeNull()
    })

    it('does not outlive its ten minutes by setting the clock back', async () => {
      const { code } = await begin(anna)
      node.clock.at -= 24 * hour
      expect((await node.codes.confirm({ subject: anna, code })).status).toBe('rejected')
    })

    it('expires, and is not shared between people', async () => {
      const { enrolment, code } = await begin(anna)
      const bertha = await addPerson()
      const theirs = { subject: bertha, enrolmentId: enrolment.id, code }
      expect((await node.codes.confirm(theirs)).status).toBe('nothing_pending')
      node.clock.at += 10 * minute
      expect((await node.codes.confirm({ subject: anna, code })).status).toBe('nothing_pending')
    })

    it('stays pending while an authenticator is enrolled', async () => {
      const { code } = await begin(anna)
      await node.enrolments.beginTotp({ subject: anna, issuer: 'Test', account: 'anna', name: 'New' })
      expect((await node.codes.confirm({ subject: anna, code })).status).toBe('confirmed')
    })

    it('has nothing to send to without an address', async () => {
      expect(await node.codes.begin(await node.addSubject())).toEqual({ status: 'unavailable' })
      const erased = await node.addSubject()
      await node.store.transaction((tx) => tx.subjects.erase(erased.id, epoch))
      await expect(node.codes.begin(erased)).rejects.toMatchObject({ code: 'not_found' })
    })

    it('lets an administrator use it until the password was reset by mail', async () => {
      await update(anna, { role: 'admin' })
      const { code } = await begin(anna)
      await node.codes.confirm({ subject: anna, code })
      expect(await enrolled(anna)).toEqual(['totp', 'email'])
      await update(anna, { passwordResetAt: epoch + minute })
      node.clock.at = epoch + 24 * hour
      expect(await enrolled(anna)).toEqual(['totp'])
    })
  })

  it('keeps codes out of the ledger', async () => {
    const code = await requestCode()
    await statusOf(another(code))
    await statusOf(code)
    await node.addPhone(anna, newTotpSecret(systemRandom))
    const entries = await node.store.read((tx) => tx.ledger.entries(0, 10_000, { subject: anna.id }))
    expect(entries.length).toBeGreaterThan(4)
    expect(entries.filter(({ body }) => new RegExp(`"${code}"|[ :]${code}[ ,}]`).test(body))).toEqual([])
    expect(await node.verifyLedger()).toMatchObject({ status: 'clean' })
  })
})
