import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { randomInteger, systemRandom } from '@sallyport/core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { openSqlite, type Place } from './support/databases.ts'
import { epoch, openHarness } from './support/harness.ts'
import type { Errand, Line, Person } from './support/walker.fixture.ts'
import { createWitness } from './support/witness.ts'

const kills = Number(process.env.SALLYPORT_KILLS ?? 500)
const crowd = 10
const codesEach = Math.max(10, kills)
const fixture = fileURLToPath(new URL('support/walker.fixture.ts', import.meta.url))

describe(`${kills} processes killed in the midst of verifications`, () => {
  let place: Place
  let walkers: Person[]
  let pairs: (Person & { codes: string[] })[]
  let victim: Person
  const spares: ChildProcess[] = []
  let current: ChildProcess | undefined

  beforeAll(async () => {
    place = await openSqlite()
    const harness = await openHarness({ location: place.location, backupCodes: codesEach })
    const person = async (): Promise<Person> => {
      const subject = await harness.addSubject()
      const secret = systemRandom.bytes(20)
      await harness.addPhone(subject, secret)
      return { subject, secret: Buffer.from(secret).toString('hex') }
    }
    const people = (count: number) => Promise.all(Array.from({ length: count }, person))
    walkers = await people(crowd)
    victim = await person()
    pairs = []
    for (const pair of await people(crowd)) {
      pairs.push({ ...pair, codes: await harness.enrolments.regenerateBackupCodes(pair.subject) })
    }
    // From here on no process has the database open but those that are killed.
    await harness.close()
  }, 120_000)

  afterAll(async () => {
    for (const child of [...spares, current]) child?.kill('SIGKILL')
    await place?.remove()
  })

  /** Loaded ahead of its turn: a start takes longer than the work that it is killed in. */
  function nextProcess(): ChildProcess {
    while (spares.length < 3) {
      spares.push(fork(fixture, { execArgv: [], stdio: ['ignore', 'pipe', 'pipe', 'ipc'] }))
    }
    current = spares.shift()!
    return current
  }

  /** Lets a process work, kills it so many milliseconds after it was ready, and answers all it said. */
  async function live(errand: Errand, lifetime: number): Promise<{ lines: Line[]; ready: number }> {
    const child = nextProcess()
    const begun = performance.now()
    let ready = 0
    let said = ''
    let complaint = ''
    child.stderr!.setEncoding('utf8').on('data', (text: string) => {
      complaint += text
    })
    child.stdout!.setEncoding('utf8').on('data', (text: string) => {
      said += text
      if (ready > 0 || !said.includes('"ready"')) return
      ready = performance.now() - begun
      setTimeout(() => child.kill('SIGKILL'), lifetime)
    })
    const ended = once(child, 'close')
    // A process that could not even start is found out by its end.
    if (child.connected) child.send(errand)
    const [code, signal] = await ended
    if (signal !== 'SIGKILL') throw new Error(`a process ended by itself with ${code}: ${complaint}`)
    // The last line may have been cut in the middle.
    const lines = said.split('\n').slice(0, -1)
    return { lines: lines.map((line) => JSON.parse(line) as Line), ready }
  }

  it('forgets no accepted code, no guess and no ledger entry', { timeout: 900_000 }, async () => {
    const witness = createWitness()
    const begun = performance.now()
    let slowest = 0

    function errand(round: number, again: Errand['again'], fresh = true): Errand {
      const pair = pairs[round % crowd]!
      const codes = pair.codes.filter((code) => !witness.wasSubmitted(pair.subject.id, code)).slice(0, 50)
      const people = [...walkers, ...pairs, victim].map(({ subject }) => subject)
      const { location } = place
      const at = Math.max(epoch, witness.after())
      return { location, at, again, fresh, people, walker: walkers[round % crowd]!, pair, codes, victim }
    }
    const unsettled = () => witness.values().filter(({ spent }) => !spent)

    for (let kill = 1; kill <= kills; kill++) {
      const { lines, ready } = await live(errand(kill, unsettled()), 20 + randomInteger(systemRandom, 131))
      slowest = Math.max(slowest, ready)
      witness.hear(lines, `kill ${kill}`)
    }
    // Everything that was ever accepted, once more; and once more what the last one left under way.
    witness.hear((await live(errand(0, witness.values(), false), 0)).lines, 'at the end')
    witness.hear((await live(errand(0, unsettled(), false), 0)).lines, 'at the very end')
    expect(unsettled()).toEqual([])

    const harness = await openHarness({ location: place.location, now: witness.after() })
    try {
      expect(await harness.verifyLedger()).toMatchObject({ status: 'clean', firstBad: null })
      const recorded = await Promise.all(
        [...walkers, ...pairs, victim].map((one) => harness.ledgerOf(one.subject)),
      )
      const passed = recorded.flat().filter(({ type }) => type === 'attempt.step_passed')
      const used = passed.map(({ data }) => `${data!.enrolment} ${data!.time_step ?? data!.code_index}`)
      expect(new Set(used).size, 'codes in the ledger, each once').toBe(used.length)
      expect(used.length, 'codes in the ledger, reported or not').toBe(witness.values().length)
      const inLedger = new Set(passed.map(({ data }) => data!.attempt as string))
      const { accepted, submitted } = witness.attempts
      expect(
        [...accepted].filter((id) => !inLedger.has(id)),
        'accepted, not in the ledger',
      ).toEqual([])
      expect(
        [...inLedger].filter((id) => !submitted.has(id)),
        'in the ledger, never submitted',
      ).toEqual([])
    } finally {
      await harness.close()
    }
    const seconds = Math.round((performance.now() - begun) / 1000)
    const codes = witness.values().length
    console.log(
      `${kills} kills in ${seconds} s, ${codes} codes, slowest to be ready ${Math.round(slowest)} ms`,
    )
  })
})
