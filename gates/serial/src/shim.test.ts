import * as crypto from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import {
  createBackupFactor,
  createLedgerLinker,
  createSelfHostedValidator,
  createTotpFactor,
  createYubikeyFactor,
  decodeSecret,
  generateLedgerKey,
  loadLedgerKey,
  openVault,
  readEntry,
  systemRandom,
  totp,
} from '@sallyport/core'
import { createSqliteStore } from '@sallyport/store'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { parseShimConfig } from './config/shim-config.ts'
import { createLoopback } from './endpoints/loopback.fixture.ts'
import { createRecorder } from './recorder/recorder.ts'
import { createShim } from './shim.ts'
import { createTurnedTimers } from './timers.fixture.ts'

vi.mock('node:crypto', { spy: true })

const secret = 'JBSWY3DPEHPK3PXP'
const undo: (() => Promise<void> | void)[] = []
afterEach(async () => {
  for (const step of undo.splice(0).toReversed()) await step()
})

async function makeGate(extra: Record<string, unknown> = {}) {
  const dir = mkdtempSync(join(tmpdir(), 'gate-'))
  undo.push(() => rmSync(dir, { recursive: true }))
  const clock = { time: 1_800_000_000_000, now: () => clock.time }
  const store = await createSqliteStore({ path: join(dir, 'shim.db'), clock })
  undo.push(() => store.close())
  const vault = await openVault({ store, masterKey: new Uint8Array(32), clock, random: systemRandom })
  const key = loadLedgerKey(generateLedgerKey(systemRandom))
  store.attachLedger(createLedgerLinker({ ...key, ledgerId: 'ledger-of-the-test', clock }))
  const timers = createTurnedTimers()
  const validator = createSelfHostedValidator({ store, vault })
  const [near, far] = [createLoopback('near'), createLoopback('far')]
  const recorder = createRecorder({
    ...{ dir: join(dir, 'sessions'), signingKey: key.privateKey, auditorKeys: [], random: systemRandom },
    ...{ clock: { now: clock.now, monotonic: timers.monotonic } },
    limits: { minFree: 0, maxTotal: 1e9, retention: null },
  })
  const config = parseShimConfig({
    device: { id: 'pump' },
    ports: [{ id: 'service', technician: 'near', device: 'far' }],
    technicians: [
      {
        id: 'alice',
        factors: [
          { type: 'totp', secret },
          { type: 'backup', codes: ['ABCD-2345'] },
        ],
      },
      { id: 'bob', factors: [{ type: 'totp', secret: 'KRSXG5CTMVRXEZLU' }] },
    ],
    vault: 'off',
    session: { recording: 'best-effort' },
    ...extra,
  })
  const raised: string[] = []
  const ntp = { synchronised: true }
  const quiet = { info() {}, warn() {}, error() {} }
  const shim = await createShim({
    ...{ config, store, vault, clock, random: systemRandom, recorder, timers, log: quiet, software: 'test' },
    alerts: { raise: async (kind) => void raised.push(kind) },
    ...{
      factors: [createTotpFactor(), createBackupFactor(), createYubikeyFactor({ validator })],
      synchronised: async () => ntp.synchronised,
    },
    endpointOf: ({ path }) => (path === 'near' ? near : far).endpoint,
  })
  undo.push(async () => {
    await settle()
    await shim.stop()
  })
  await settle()
  const port = async () => (await shim.status()).ports[0]!
  const code = (of = secret) =>
    totp({ secret: decodeSecret(of), at: clock.time, period: 30, algorithm: 'SHA1', digits: 6 })
  /** Types a line, and answers what came back once the gate said something of it. */
  async function say(line: string): Promise<string> {
    near.take()
    near.type(`${line}\r`)
    let text = ''
    // behind the echo of the line, which ends in the masked code
    const answered = () => /\*\r\n[^\r]+\r\n/.test(text)
    for (let tries = 0; tries < 400 && !answered(); tries++) {
      await settle(5)
      timers.pass(1)
      text += near.take()
    }
    await settle()
    return text + near.take()
  }
  const entries = async () =>
    (await store.read((tx) => tx.ledger.entries(0, 10_000))).map((entry) => readEntry(entry))
  return { ...{ shim, near, far, timers, clock, store, port, code, say, entries, raised, ntp, dir } }
}

/** The block of a YubiKey's OTP, opened with nothing of ours. */
function openedBy(key: string, modhex: string): string {
  const letters = 'cbdefghijklnrtuv'
  const hex = [...modhex].map((letter) => letters.indexOf(letter).toString(16)).join('')
  const decipher = crypto.createDecipheriv('aes-128-ecb', Buffer.from(key, 'hex'), null).setAutoPadding(false)
  return Buffer.concat([decipher.update(Buffer.from(hex, 'hex')), decipher.final()]).toString('hex')
}

/** Lets everything that waits for the disk or the thread pool come to its end. */
async function settle(milliseconds = 30): Promise<void> {
  await new Promise((resolve) => setTimeout(resolve, milliseconds))
}

describe('the gate', () => {
  it('waits 1, 2, 4, 8 seconds, locks the technician at the fifth failure, and nobody else', async () => {
    const { say, near, timers, port, code, shim, entries } = await makeGate()
    near.type('\r')
    for (const wait of [1, 2, 4, 8]) {
      expect(await say('alice 000000')).toContain('Authentication failed.\r\n')
      timers.pass(wait * 1_000 - 900)
      near.type('dropped\r')
      expect(near.take()).toBe('')
      timers.pass(900)
      expect(near.take()).toBe('> ')
    }
    expect(await say('alice 000000')).toContain('alice is LOCKED')
    await expect.poll(port).toMatchObject({ state: 'LOCKED', locked: ['alice'] })
    timers.pass(8_000)
    expect(await say(`alice ${code()}`)).toContain('alice is LOCKED')
    timers.pass(8_000)
    expect(await say(`bob ${code('KRSXG5CTMVRXEZLU')}`)).toContain('is being recorded')
    await shim.close({ reason: 'done' })
    await settle()
    await expect.poll(port).toMatchObject({ state: 'LOCKED' })
    await expect(shim.unlock({ technician: 'alicia' })).rejects.toThrow('there is no technician "alicia"')
    await expect(shim.unlock({ technician: 'THE WHOLE PORT' })).rejects.toThrow('there is no technician')
    expect(await shim.unlock({ technician: 'Bob' })).toEqual({ unlocked: [] })
    expect(await shim.unlock({ technician: 'ALICE' })).toEqual({ unlocked: ['alice'] })
    expect(await say(`alice ${code()}`)).toContain('is being recorded')
    const changes = (await entries()).filter(({ type }) => type === 'port.changed').map(({ data }) => data.to)
    expect(changes).toEqual(['CHALLENGE', 'LOCKED', 'OPEN', 'FLUSHED', 'LOCKED', 'IDLE', 'CHALLENGE', 'OPEN'])
    const of = (type: string) => entries().then((all) => all.filter((one) => one.type === type))
    const who = { device: 'pump', technician: 'bob' }
    expect((await of('session.granted'))[0]!.data).toMatchObject(who)
    expect((await of('session.closed'))[0]).toMatchObject({ subject: expect.any(String), data: who })
    expect((await of('port.changed'))[3]!.data).toMatchObject({ to: 'FLUSHED', ...who })
  })

  it('locks the whole port at the fifteenth failure over all ids, known or not; an emergency code opens it', async () => {
    const { say, timers, port, code, shim, near, far, raised } = await makeGate({
      lockout: { attempts: 100 },
    })
    const emergency = await shim.breakGlass.issue('service')
    near.type('\r')
    for (let n = 0; n < 15; n++) {
      await say(`nobody-${n} 123456`)
      timers.pass(8_000)
    }
    await expect.poll(port).toMatchObject({ state: 'LOCKED', locked: ['THE WHOLE PORT'] })
    expect(await say(`alice ${code()}`)).toContain('This port is LOCKED')
    timers.pass(8_000)
    expect(await say('break-glass ABCD-EFGH-JKLMN')).toContain('Authentication failed.')
    timers.pass(8_000)
    expect(await say(`break-glass ${emergency}`)).toContain('Break-glass. Session')
    near.type('HELP\r')
    await expect.poll(far.take).toBe('HELP\r')
    const { session_id: session } = await port()
    expect(raised).toEqual(['break-glass'])
    await shim.close({ reason: 'helped' })
    await settle()
    await expect.poll(port).toMatchObject({ state: 'LOCKED', unexplained: [session] })
    timers.pass(8_000)
    expect(await say(`break-glass ${emergency}`)).toContain('Authentication failed.')
    await shim.breakGlass.explain(session!, 'the pump had stopped')
    await expect.poll(port).not.toHaveProperty('unexplained')
  })

  it('opens by an emergency code while the clock is refused, and says what mends it', async () => {
    const { say, timers, port, code, shim, near, clock, ntp } = await makeGate({
      clock: { require_sync: true },
    })
    const emergency = await shim.breakGlass.issue('service')
    near.type('\r')
    // while codes are taken it is a name like any other
    expect(await say(`break-glass ${emergency}`)).toContain('Authentication failed.')
    timers.pass(1_000)
    ntp.synchronised = false
    const refused = await say(`alice ${code()}`)
    expect(refused).toContain('not synchronised by NTP.\r\nIn an emergency: break-glass <code>')
    expect(refused).not.toContain('clock accept')
    expect(await shim.acceptClock({ reason: 'it is right' })).toMatchObject({
      trusted: false,
      reason: 'the clock is not synchronised by NTP',
    })
    ntp.synchronised = true
    await say(`alice ${'0'.repeat(6)}`)
    timers.pass(2_000)
    clock.time -= 3_600_000
    expect(await say(`alice ${code()}`)).toMatch(/set back[\s\S]*clock accept\r\n> $/)
    expect(await say(`break-glass ${emergency}`)).toContain('Break-glass. Session')
    expect(await port()).toMatchObject({ state: 'OPEN', technician: 'break-glass', locked: [] })
    expect(await shim.acceptClock({ reason: 'the battery was dead' })).toMatchObject({ trusted: true })
  })

  it('locks nobody but the asterisk, however an asterisk is typed', async () => {
    const { say, timers, port, code, near } = await makeGate({ lockout: { attempts: 2 } })
    near.type('\r')
    // the second is U+FF0A, full width
    for (const id of ['*', '\xef\xbc\x8a']) {
      await say(`${id} 000000`)
      timers.pass(8_000)
    }
    await expect.poll(port).toMatchObject({ state: 'LOCKED', locked: ['*'] })
    expect(await say(`alice ${code()}`)).toContain('is being recorded')
  })

  it('asks for each step of a chain in turn, and starts over after a failure', async () => {
    const factors = [
      { id: 'app', label: 'Authenticator code', type: 'totp' },
      { id: 'paper', label: 'Backup code', type: 'backup' },
    ]
    const { say, timers, code, near } = await makeGate({
      policy: { mode: 'fixed', requiredSteps: 2, factors },
    })
    near.type('\r')
    expect(await say(`alice ${code()}`)).toContain('Backup code?\r\n> ')
    expect(await say('WXYZ-2345')).toMatch(/^\*{9}\r\nAuthentication failed\.\r\n/)
    timers.pass(1_000)
    // the authenticator's code was used up by the walk that failed
    expect(await say(`alice ${code()}`)).toContain('Authentication failed.')
  })

  it('says which factor a drawn chain asks first, of anybody, and judges nothing that came before', async () => {
    const factors = [
      { id: 'app', label: 'Authenticator code', type: 'totp' },
      { id: 'paper', label: 'Backup code', type: 'backup' },
    ]
    const { say, timers, code, near, port, shim, entries } = await makeGate({
      policy: { mode: 'random', requiredSteps: 2, factors },
      lockout: { attempts: 2 },
    })
    near.type('\r')
    expect(near.take()).toContain('Authenticate as: <technician_id>\r\n')
    const asked = /(Authenticator|Backup) code\?\r\n> $/
    const answers: Record<string, string> = { Authenticator: code(), Backup: 'abcd2345' }
    const first = asked.exec(await say('alice 000000'))!
    expect(first.input).toContain('was not looked at.')
    const second = asked.exec(await say(answers[first[1]!]!))!
    expect(second[1]).not.toBe(first[1])
    expect(await say(answers[second[1]!]!)).toContain('is being recorded')
    expect((await entries()).filter(({ type }) => type === 'attempt.step_failed')).toEqual([])
    await shim.close({ reason: 'next' })
    await expect.poll(port).toMatchObject({ state: 'IDLE' })
    // an id that nobody has is asked alike, and fails and locks alike
    for (const last of [false, true]) {
      near.type('nobody\r')
      let said = ''
      await expect.poll(() => (said += near.take())).toMatch(asked)
      expect(await say('123456')).toMatch(last ? /nobody is LOCKED/ : /^\*{6}\r\nAuthentication failed\.\r\n/)
      timers.pass(8_000)
    }
  })

  it('pays the same work for a backup code of anybody, and of nobody', async () => {
    const factors = [{ id: 'any', label: 'Code', any_of: ['totp', 'backup'] }]
    const { say, timers, near } = await makeGate({ policy: { mode: 'fixed', requiredSteps: 1, factors } })
    near.type('\r')
    for (const [line, hashes] of [
      ['alice WXYZ-2345', 1],
      // without a set of codes of his own
      ['bob WXYZ-2345', 1],
      ['nobody WXYZ-2345', 1],
      ['nobody 123456', 0],
    ] as const) {
      vi.mocked(crypto.pbkdf2).mockClear()
      expect(await say(line)).toContain('Authentication failed.')
      expect(vi.mocked(crypto.pbkdf2), line).toHaveBeenCalledTimes(hashes)
      timers.pass(8_000)
    }
  })

  it('locks the port for names that are typed without a code, as for wrong codes', async () => {
    const factors = ['a', 'b'].map((id) => ({ id, label: id, type: 'totp' }))
    const { timers, near, port } = await makeGate({
      policy: { mode: 'random', requiredSteps: 1, factors },
    })
    for (let n = 0; n < 16; n++) {
      near.signal(true)
      near.type('alice\r')
      let said = ''
      await expect.poll(() => (said += near.take())).toMatch(n < 15 ? /[ab]\?\r\n> $/ : /This port is LOCKED/)
      near.signal(false)
    }
    await expect.poll(port).toMatchObject({ state: 'LOCKED', locked: ['THE WHOLE PORT'] })
    timers.pass(8_000)
  })

  it('asks the same step again where the policy says so, of anybody', async () => {
    const factors = [
      { id: 'app', label: 'Authenticator code', type: 'totp' },
      { id: 'paper', label: 'Backup code', type: 'backup' },
    ]
    const { say, timers, code, near, port, shim } = await makeGate({
      policy: { mode: 'fixed', requiredSteps: 2, factors, onFailure: 'retry' },
    })
    near.type('\r')
    expect(await say(`alice ${code()}`)).toContain('Backup code?\r\n> ')
    expect(await say('WXYZ-2345')).toContain('Authentication failed.')
    timers.pass(1_000)
    expect(near.take()).toBe('Backup code?\r\n> ')
    expect(await say('ABCD-2345')).toContain('is being recorded')
    await shim.close({ reason: 'next' })
    await expect.poll(port).toMatchObject({ state: 'IDLE' })
    await say('nobody 123456')
    timers.pass(8_000)
    expect(near.take()).toBe('Authenticator code?\r\n> ')
  })

  it.each([
    ['emergency_stop', 'EMERGENCY_STOP'],
    ['flush', 'IDLE'],
  ])('at the idle timeout, with on_idle: %s, is in %s', async (onIdle, expected) => {
    const { say, timers, port, code, near, far } = await makeGate({
      session: { idle_timeout: '60s', on_idle: onIdle },
    })
    near.type('\r')
    await say(`alice ${code()}`)
    timers.pass(59_000)
    near.type('x')
    timers.pass(59_000)
    expect((await port()).state).toBe('OPEN')
    far.type('a device that talks to nobody')
    timers.pass(2_000)
    await settle()
    timers.pass(2_000)
    await settle()
    await expect.poll(port).toMatchObject({ state: expected, reason: 'idle timeout' })
  })

  it('ends at max_bytes, at the escape, after two minutes without success, and stops at a tamper', async () => {
    const { say, timers, port, code, clock, near, far, shim } = await makeGate({
      session: { max_bytes: '100B', escape: '~~.' },
    })
    // a cable of three wires has no modem lines, and tells the device nothing by them
    near.signal(false)
    near.type('\r')
    timers.pass(120_000)
    expect(near.take()).toContain('two minutes without success')
    expect((await port()).state).toBe('IDLE')
    await say(`alice ${code()}`)
    expect(far.driven()).toEqual([])
    near.type('to the device~')
    near.type('~.and no further')
    await settle()
    await expect.poll(port).toMatchObject({ state: 'IDLE', reason: 'escape' })
    expect(far.take()).toBe('to the device~')
    clock.time += 30_000
    await say(`alice ${code()}`)
    near.type('x'.repeat(90))
    far.type('y'.repeat(11))
    await expect.poll(port).toMatchObject({ state: 'IDLE', reason: 'max_bytes reached' })
    expect(far.take()).toBe('x'.repeat(90))
    clock.time += 30_000
    await say(`alice ${code()}`)
    const stopped = shim.tamper('case opened')
    // at once, before anything is kept anywhere
    near.type('z')
    await stopped
    await settle()
    expect(far.take()).toBe('')
    await expect.poll(port).toMatchObject({ state: 'EMERGENCY_STOP', reason: 'case opened' })
    expect(near.take()).toContain('EMERGENCY STOP: case opened')
  })

  it('asks when a wired terminal comes, passes breaks and modem lines while open, and ends when it goes', async () => {
    const { say, port, code, near, far, shim } = await makeGate()
    near.break()
    far.break()
    near.signal(true)
    expect(near.take()).toContain('Authenticate as:')
    expect(far.driven()).toEqual([])
    expect(near.driven()).toEqual([])
    await say(`alice ${code()}`)
    expect(far.driven()).toEqual([{ dtr: true, rts: true }])
    near.break()
    far.break()
    near.type('x')
    await expect.poll(() => near.driven()).toEqual(['break'])
    far.signal(true)
    expect(near.driven()).toEqual([{ dtr: true, rts: true }])
    near.signal(false)
    expect(far.driven()).toEqual(['break', { dtr: false, rts: false }])
    await expect.poll(port).toMatchObject({ state: 'IDLE', reason: 'hang-up' })
    expect(far.take()).toBe('x')
    near.break()
    expect(far.driven()).toEqual([])
    // the next session raises what the end of this one dropped; a line that stays up holds none that drops
    near.signal(true, true)
    await say(`bob ${code('KRSXG5CTMVRXEZLU')}`)
    expect(far.driven()).toEqual([{ dtr: true, rts: true }])
    near.signal(false, true)
    await expect.poll(port).toMatchObject({ state: 'IDLE', reason: 'hang-up' })
    near.take()
    near.signal(true, true)
    expect(near.take()).toContain('Authenticate as:')
    near.signal(false, false)
    expect((await shim.status()).recordings.sessions).toBe(2)
  })

  it("takes a YubiKey's 44 characters in place of the code, once", async () => {
    // from Yubico's own library of the algorithm, yubico-c/tests/selftest.c: a block and the key that opens it
    const key = 'ecde18dbe76fbd0c33330f1c354871db'
    const otp = 'dteffujehknhfjbrjnlnldnhcujvddbikngjrtgh'
    const plain = openedBy(key, otp.slice(-32))
    const technicians = [
      {
        id: 'alice',
        factors: [{ type: 'yubikey', id: 'cccccccccccb', private_id: plain.slice(0, 12), key }],
      },
    ]
    const policy = {
      mode: 'fixed',
      requiredSteps: 1,
      factors: [{ id: 'k', label: 'YubiKey', type: 'yubikey' }],
    }
    const { say, near, shim, timers, port } = await makeGate({ technicians, policy })
    near.type('\r')
    expect(await say(`alice cccccccccccb${otp.slice(-32)}`)).toContain('is being recorded')
    await shim.close({ reason: 'again' })
    await expect.poll(port).toMatchObject({ state: 'IDLE' })
    timers.pass(2_000)
    expect(await say(`alice cccccccccccb${otp.slice(-32)}`)).toContain('Authentication failed.')
  })

  it('says how it stands without its directory of recordings, and opens nothing', async () => {
    const { say, near, port, code, shim, dir } = await makeGate()
    rmSync(join(dir, 'sessions'), { recursive: true })
    expect((await shim.status()).recordings).toMatchObject({
      sessions: 0,
      fault: expect.stringContaining('ENOENT'),
    })
    near.type('\r')
    await say(`alice ${code()}`)
    await expect.poll(port).toMatchObject({ state: 'EMERGENCY_STOP' })
  })

  it('opens nothing when the store cannot answer', async () => {
    const { say, store, near } = await makeGate()
    near.type('\r')
    await settle()
    await store.close()
    expect(await say('alice 123456')).toContain('The gate cannot check codes at this moment.')
  })
})
