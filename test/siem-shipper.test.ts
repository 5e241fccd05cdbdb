import {
  createShipper,
  createSubject,
  isAlert,
  loginApplication,
  oldestUnshipped,
  type SiemEvent,
  type SiemTransport,
  shipperStatus,
  spoolEvents,
  systemRandom,
} from '@sallyport/core'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { openSqlite, type Place } from './support/databases.ts'
import { type Harness, openHarness } from './support/harness.ts'

const quiet = { info: () => {}, warn: () => {} }
const minute = 60_000

/** A receiver that keeps what it was sent, and does with it what the test says. */
function makeReceiver(events = 10) {
  const receiver = {
    batches: [] as SiemEvent[][],
    /** What becomes of the next batches. */
    behave: (_: SiemEvent[]): Promise<void> | void => {},
    ids: () => receiver.batches.flat().map(({ id }) => id),
    transport: {
      limits: { events, bytes: 1_000_000 },
      async deliver(lines, _signal) {
        const batch = lines.map((line) => JSON.parse(line) as SiemEvent)
        receiver.batches.push(batch)
        await receiver.behave(batch)
      },
    } satisfies SiemTransport,
  }
  return receiver
}

const threat = (id: string, more: Partial<SiemEvent> = {}): SiemEvent => ({
  ...{ id, at: 1, type: 'failed_auth', severity: 'low', address: '192.0.2.1', subject: null, details: {} },
  ...more,
})

describe('shipping', () => {
  let place: Place
  let harness: Harness
  let receiver: ReturnType<typeof makeReceiver>
  beforeEach(async () => {
    place = await openSqlite()
    harness = await openHarness({ location: place.location })
    receiver = makeReceiver()
  })
  afterEach(async () => {
    await harness.close()
    await place.remove()
  })

  const ship = (holder = 'one', transport: SiemTransport = receiver.transport) =>
    createShipper({
      ...{ store: harness.store, clock: harness.clock, holder, transport, log: quiet },
      format: (event) => JSON.stringify(event),
    })
  const record = (...types: string[]) =>
    harness.store.transaction(async (tx) => {
      for (const type of types) tx.ledger.append({ type, at: harness.clock.now() })
    })
  const spool = (...events: SiemEvent[]) =>
    harness.store.transaction((tx) => spoolEvents(tx, events, { mostEvents: 1_000 }))
  const recordMany = (count: number) => record(...Array.from({ length: count }, () => 'session.opened'))

  it('sends alerts first, then checkpoints, then the rest, each in order and once', async () => {
    await record('session.opened', 'subject.locked', 'session.opened', 'attempt.breached', 'session.revoked')
    await harness.store.transaction((tx) => tx.ledger.keepCheckpoint())
    await spool(threat('low 1'), threat('high 1', { severity: 'high' }), threat('low 2'))
    await spool(threat('critical', { severity: 'critical' }))
    await ship().kick()
    const wanted = ['high 1', 'critical', 'test:2', 'test:4', 'test:checkpoint:5']
    expect(receiver.ids()).toEqual([...wanted, 'test:1', 'test:3', 'test:5', 'low 1', 'low 2'])
    await ship().kick()
    expect(receiver.ids()).toHaveLength(10)
    expect(await shipperStatus(harness.store)).toMatchObject({
      ...{ sent: 10, dropped: 0, failure: null, waiting: { alerts: 0, events: 0, entries: 0 } },
    })
  })

  it('lets an alert pass a long queue', async () => {
    await recordMany(95)
    const shipper = ship()
    receiver.behave = async () => {
      if (receiver.batches.length === 3) await spool(threat('urgent', { severity: 'critical' }))
      if (receiver.batches.length === 5) await record('subject.locked')
    }
    await shipper.kick()
    expect(receiver.batches[3]!.map(({ id }) => id)).toEqual(['urgent'])
    expect(receiver.batches[5]!.map(({ id }) => id)).toEqual(['test:96'])
    const plain = receiver.ids().filter((id) => id !== 'urgent' && id !== 'test:96')
    expect(plain).toEqual(Array.from({ length: 95 }, (_, index) => `test:${index + 1}`))
  })

  it('repeats what was not confirmed, under the same ids, in smaller batches', async () => {
    await recordMany(10)
    const shipper = ship()
    receiver.behave = (batch) => {
      if (batch.length > 2) throw new Error('too much at once')
    }
    for (let look = 0; look < 40; look++) await shipper.kick()
    expect(receiver.batches.slice(0, 3).map((batch) => batch.length)).toEqual([10, 5, 2])
    expect(new Set(receiver.ids()).size).toBe(10)
    const arrived = receiver.batches.filter((batch) => batch.length <= 2).flat()
    expect(arrived.map(({ id }) => id)).toEqual(Array.from({ length: 10 }, (_, index) => `test:${index + 1}`))
  })

  it('says why it does not get on, and rests longer and longer', async () => {
    await record('session.opened')
    receiver.behave = () => Promise.reject(new Error('away'))
    const shipper = ship()
    for (let look = 0; look < 100; look++) await shipper.kick()
    expect(receiver.batches.length).toBeGreaterThan(3)
    expect(receiver.batches.length).toBeLessThan(12)
    expect(await shipperStatus(harness.store)).toMatchObject({
      failure: { message: 'away' },
      waiting: { entries: 1 },
    })
    receiver.behave = () => {}
    for (let look = 0; look < 32; look++) await shipper.kick()
    expect(await shipperStatus(harness.store)).toMatchObject({ failure: null, sent: 1 })
  })

  it('ships from one node at a time, and from another once it falls silent', async () => {
    await recordMany(30)
    const other = makeReceiver()
    let release = () => {}
    receiver.behave = () => new Promise<void>((resolve) => (release = resolve))
    const [one, two] = [ship('one'), ship('two', other.transport)]
    const first = one.kick()
    while (receiver.batches.length === 0) await new Promise(setImmediate)
    await two.kick()
    expect(other.batches).toEqual([])
    harness.clock.at += minute
    await two.kick()
    expect(other.ids()).toEqual(Array.from({ length: 30 }, (_, index) => `test:${index + 1}`))
    // The first wakes up: what it had under way was sent twice, and it undoes nothing.
    release()
    await first
    expect(await shipperStatus(harness.store)).toMatchObject({ sent: 30, waiting: { entries: 0 } })
    await recordMany(1)
    await ship('three', other.transport).kick()
    expect(other.ids()).toHaveLength(30)
    await two.stop()
    await ship('three', other.transport).kick()
    expect(other.ids().at(-1)).toBe('test:31')
  })

  it('goes on when the clock was set back', async () => {
    await recordMany(1)
    await ship('one').kick()
    harness.clock.at -= 60 * minute
    await recordMany(1)
    await ship('two').kick()
    expect(receiver.ids()).toEqual(['test:1', 'test:2'])
  })

  it('never loses an event to two shippers at once', async () => {
    await recordMany(60)
    await spool(...Array.from({ length: 20 }, (_, index) => threat(`t${index}`)))
    await Promise.all(['a', 'b', 'c'].map((holder) => ship(holder).kick()))
    await ship('a').kick()
    await ship('b').kick()
    await ship('c').kick()
    expect(new Set(receiver.ids()).size).toBe(80)
  })

  it('stops at once, and leaves what was under way to the next', async () => {
    await recordMany(3)
    const begun = Promise.withResolvers<void>()
    const stuck: SiemTransport = {
      limits: { events: 10, bytes: 1_000 },
      deliver: (_, signal) =>
        new Promise<void>((_, reject) => {
          signal.addEventListener('abort', () => reject(signal.reason))
          begun.resolve()
        }),
    }
    const shipper = ship('one', stuck)
    const kicked = shipper.kick()
    await begun.promise
    await shipper.stop()
    await kicked
    await ship('two').kick()
    expect(receiver.ids()).toEqual(['test:1', 'test:2', 'test:3'])
  })

  it('says how many entries retention had removed before they were shipped', async () => {
    await recordMany(2)
    await ship().kick()
    await recordMany(5)
    await harness.store.transaction((tx) => tx.ledger.keepCheckpoint())
    await recordMany(1)
    await harness.store.transaction((tx) => tx.ledger.pruneThrough(7))
    receiver.batches = []
    await ship().kick()
    const gap = receiver.batches.flat().find(({ type }) => type === 'siem.gap')
    expect(gap).toMatchObject({ id: 'test:gap:3-7', details: { count: 5, first: 3, last: 7 } })
    expect(receiver.ids().at(-1)).toBe('test:8')
  })

  it('names the oldest entry that was not shipped, which retention keeps', async () => {
    expect(await oldestUnshipped(harness.store)).toBeNull()
    await recordMany(2)
    harness.clock.at += minute
    await recordMany(1)
    expect(await oldestUnshipped(harness.store)).toBe(harness.clock.at - minute)
    await ship().kick()
    expect(await oldestUnshipped(harness.store)).toBeNull()
  })

  it('raises an alert at an entry that was altered, and goes on after it', async () => {
    await recordMany(3)
    const { DatabaseSync } = await import('node:sqlite')
    const database = new DatabaseSync(place.location)
    database.exec(`UPDATE ledger SET body = replace(body, 'opened', 'closed') WHERE seq = 2`)
    database.close()
    await ship().kick()
    const [, damaged] = receiver.batches.flat()
    expect(receiver.ids()).toEqual(['test:1', 'test:2:damaged', 'test:3'])
    expect(isAlert(damaged!)).toBe(true)
  })

  it('holds what the ledger holds, and no secret', async () => {
    const canary = { email: 'canary@example.org', secret: systemRandom.bytes(20) }
    const subject = await harness.store.transaction((tx) =>
      createSubject(
        { application: loginApplication, ref: canary.email, email: canary.email },
        { tx, clock: harness.clock, random: systemRandom },
      ),
    )
    const phone = await harness.addPhone(subject, canary.secret)
    const code = phone.code()
    await harness.verifyOnce(subject, code)
    await harness.verifyOnce(subject, code)
    const [backup] = await harness.enrolments.regenerateBackupCodes(subject)
    await harness.verifyOnce(subject, backup)
    await ship().kick()
    const said = JSON.stringify(receiver.batches)
    expect(receiver.batches.flat().map(({ type }) => type)).toContain('attempt.step_passed')
    for (const secret of [code, backup!, canary.email, Buffer.from(canary.secret).toString('hex')]) {
      expect(said).not.toContain(`"${secret}"`)
    }
    expect(said).not.toContain(canary.email)
  })
})
