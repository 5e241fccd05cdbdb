import { createPrivateKey, createPublicKey } from 'node:crypto'
import { mkdirSync, mkdtempSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import {
  createAttempts,
  createBackupFactor,
  createLedgerLinker,
  createSelfHostedValidator,
  createTotpFactor,
  createYubikeyFactor,
  decodeSecret,
  generateLedgerKey,
  hashBackupCodes,
  loadLedgerKey,
  openVault,
  parsePolicy,
  readEntry,
  type Store,
  systemRandom,
  totp,
} from '@sallyport/core'
import { createSqliteStore } from '@sallyport/store'
import { afterEach, describe, expect, it } from 'vitest'
import { createAuthority } from '../decide/authority.ts'
import { createClockTrust } from '../decide/clock-trust.ts'
import { technicianLimits } from '../decide/port-budget.ts'
import { createRoster } from '../decide/roster.ts'
import { type BundledTechnician, largestBundle, sealBundle } from './bundle.ts'
import { createDirectory, type DirectorySource, openBundleKey } from './directory.ts'
import { generateBundleKey, parseBundleKey } from './signing.ts'

const day = 86_400_000
const start = 1_800_000_000_000
const random = systemRandom
const settings = { algorithm: 'SHA1', period: 30, digits: 6 } as const
const secrets = { alice: 'JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP', bob: 'KRSXG5CTMVRXEZLUKRSXG5CTMVRXEZLU' }
const person = (id: keyof typeof secrets): BundledTechnician => ({
  id,
  factors: [{ type: 'totp', secret: secrets[id], ...settings }],
})
const [alice, bob] = [person('alice'), person('bob')]
const undo: (() => Promise<void> | void)[] = []
afterEach(async () => {
  for (const step of undo.splice(0).toReversed()) await step()
})

const oneTotp = { mode: 'fixed', requiredSteps: 1, factors: [{ id: 'app', label: 'Code', type: 'totp' }] }

async function makeBoard({
  policy = oneTotp as object,
  listed = [] as { id: string; secret: string }[],
} = {}) {
  const dir = mkdtempSync(join(tmpdir(), 'bundle-'))
  undo.push(() => rmSync(dir, { recursive: true }))
  const clock = { time: start, now: () => clock.time }
  const store = await createSqliteStore({ path: join(dir, 'shim.db'), clock })
  undo.push(() => store.close())
  const vault = await openVault({ store, masterKey: new Uint8Array(32), clock, random })
  store.attachLedger(
    createLedgerLinker({ ...loadLedgerKey(generateLedgerKey(random)), ledgerId: 'test', clock }),
  )
  const signer = generateBundleKey(random)
  const privateKey = await openBundleKey({ store, vault, random })
  const file = join(dir, 'technicians.bundle')
  const source: DirectorySource = { bundle: file, publicKey: parseBundleKey(signer.publicKey), privateKey }
  const raised: { kind: string; reason?: unknown }[] = []
  const gone: string[] = []

  const seal = (serial: number, technicians: BundledTechnician[], times: Record<string, number> = {}) =>
    sealBundle({
      ...{ technicians, recipient: createPublicKey(privateKey), random },
      signingKey: createPrivateKey(signer.privateKeyPem),
      header: {
        device: 'pump',
        serial,
        issued_at: start,
        not_before: start,
        expires: start + 30 * day,
        ...times,
      },
    })
  const put = (text: string | Uint8Array) => {
    writeFileSync(`${file}.new`, text)
    renameSync(`${file}.new`, file)
  }

  /** As at a start of the gate. */
  async function boot(change: { source?: DirectorySource; store?: Store } = {}) {
    const parts = { store, vault, clock, random, ...change }
    const alerts = { raise: async (kind: string, data: object) => void raised.push({ kind, ...data }) }
    const directory = await createDirectory({ ...parts, source, ...change, alerts, device: 'pump' })
    const technicians = listed.map(({ id, secret }) => ({ id, factors: [{ type: 'totp' as const, secret }] }))
    const config = { technicians, totp: { ...settings, window: 1, issuer: 'Test' } }
    const roster = await createRoster({
      ...parts,
      config,
      directory,
      onGone: (ids) => void gone.push(...ids),
    })
    const clockTrust = createClockTrust({ ...parts, requireSync: false, synchronised: async () => true })
    const limits = technicianLimits({ attempts: 5, within: 60_000 })
    const validator = createSelfHostedValidator(parts)
    const factors = [createTotpFactor(), createBackupFactor(), createYubikeyFactor({ validator })]
    const attempts = createAttempts({ ...parts, factors, limits })
    const authority = createAuthority({
      ...parts,
      attempts,
      policy: parsePolicy(policy),
      roster,
      limits,
      clockTrust,
      device: 'pump',
    })
    await roster.refresh()
    return { roster, authority }
  }

  const code = (name: keyof typeof secrets) =>
    totp({ secret: decodeSecret(secrets[name]), at: clock.time, ...settings })
  const entries = async (type: string) =>
    (await store.read((tx) => tx.ledger.entries(0, 10_000, { type }))).map((entry) => readEntry(entry).data)
  return { ...{ clock, store, file, source, raised, gone, seal, put, boot, code, entries, dir } }
}

type Board = Awaited<ReturnType<typeof makeBoard>>
type Booted = Awaited<ReturnType<Board['boot']>>

const passes = async ({ authority }: Booted, line: string) => (await authority.converse('p').judge(line)).kind

describe('the technicians of a bundle', () => {
  it('pass from the moment on that the file lies there, by the codes of this gate', async () => {
    const board = await makeBoard()
    const { raised, entries, code, put, seal, clock } = board
    const booted = await board.boot()
    expect(await passes(booted, `alice ${code('alice')}`)).toBe('failed')
    expect(raised).toMatchObject([{ kind: 'bundle-refused', reason: 'is not there' }])
    put(seal(1, [alice]))
    expect(await passes(booted, `alice ${code('alice')}`)).toBe('granted')
    expect(await passes(booted, `bob ${code('bob')}`)).toBe('failed')
    const times = { issued: new Date(start).toISOString(), expires: new Date(start + 30 * day).toISOString() }
    expect(await entries('bundle.accepted')).toMatchObject([{ serial: 1, technicians: 1, ...times }])
    expect(booted.roster.directory()).toEqual({ state: 'valid', serial: 1, ...times, refused: null })
    clock.time += 1
    expect(raised).toHaveLength(1)
  })

  it('pass until the second in which it expires; what they used up stays so in the next', async () => {
    const board = await makeBoard()
    const { clock, put, seal, code, raised } = board
    put(seal(1, [alice]))
    const booted = await board.boot()
    const used = code('alice')
    expect(await passes(booted, `alice ${used}`)).toBe('granted')
    clock.time = start + 30 * day - 1
    expect(await passes(booted, `alice ${code('alice')}`)).toBe('granted')
    const last = code('alice')
    clock.time += 1
    expect(await passes(booted, `alice ${code('alice')}`)).toBe('failed')
    expect(await passes(booted, `alice ${code('alice')}`)).toBe('failed')
    expect(raised.map(({ kind }) => kind)).toEqual(['bundle-expiring', 'bundle-expired'])
    expect(booted.roster.directory()?.state).toBe('expired')
    // a start changes nothing of it
    expect(await passes(await board.boot(), `alice ${code('alice')}`)).toBe('failed')
    put(seal(2, [alice, bob], { expires: start + 60 * day }))
    expect(await passes(booted, `alice ${last}`)).toBe('failed')
    expect(await passes(booted, `bob ${code('bob')}`)).toBe('granted')
    clock.time += 30_000
    expect(await passes(booted, `alice ${code('alice')}`)).toBe('granted')
  })

  it('are not those of an older bundle, of another with the same serial, or after a restart with one', async () => {
    const board = await makeBoard()
    const { put, seal, code, raised, entries } = board
    put(seal(8, [alice]))
    const booted = await board.boot()
    for (const text of [seal(7, [bob]), seal(8, [bob])]) {
      put(text)
      expect(await passes(booted, `bob ${code('bob')}`)).toBe('failed')
      expect(await passes(await board.boot(), `bob ${code('bob')}`)).toBe('failed')
    }
    expect(raised.map(({ reason }) => reason)).toEqual([
      ...Array(2).fill('is older (serial 7) than the one that was accepted (serial 8)'),
      ...Array(2).fill('is another bundle with serial 8, which was accepted already'),
    ])
    expect(await passes(booted, `alice ${code('alice')}`)).toBe('granted')
    expect(await entries('bundle.accepted')).toHaveLength(1)
  })

  it.each([
    ['no file', (b: Board) => rmSync(b.file), 'is not there'],
    ['nothing', (b: Board) => b.put(''), 'is no bundle of technicians'],
    ['a part of it', (b: Board) => b.put(b.seal(2, [bob]).slice(0, -20)), 'was cut off or altered'],
    ['more than a bundle has', (b: Board) => b.put(Buffer.alloc(largestBundle + 9, 'A')), 'is larger than'],
    [
      'an expired one',
      (b: Board) => b.put(b.seal(2, [bob], { expires: start })),
      'expired at 2027-01-15T08:00:00.000Z',
    ],
    [
      'a link',
      (b: Board) => {
        writeFileSync(join(b.dir, 'elsewhere'), b.seal(2, [bob]))
        rmSync(b.file)
        symlinkSync(join(b.dir, 'elsewhere'), b.file)
      },
      'is a link, and none is followed',
    ],
    [
      'a directory',
      (b: Board) => {
        rmSync(b.file)
        mkdirSync(b.file)
      },
      'is no file',
    ],
  ])('are those of the one that was accepted, with %s in its place', async (_, replace, reason) => {
    const board = await makeBoard()
    const { put, seal, code, raised, clock } = board
    put(seal(1, [alice]))
    const booted = await board.boot()
    expect(await passes(booted, `alice ${code('alice')}`)).toBe('granted')
    replace(board)
    for (const gate of [booted, booted, await board.boot()]) {
      clock.time += 30_000
      expect(await passes(gate, `alice ${code('alice')}`)).toBe('granted')
      expect(await passes(gate, `bob ${code('bob')}`)).toBe('failed')
      expect(gate.roster.directory()?.refused).toContain(reason)
    }
    // once for each start
    expect(raised).toHaveLength(2)
    for (const one of raised) expect(one).toMatchObject({ kind: 'bundle-refused', path: board.file })
  })

  it('wait for its time, and pass then although nobody touches the file', async () => {
    const board = await makeBoard()
    const { clock, put, seal, code } = board
    put(seal(1, [alice], { not_before: start + 1_000 }))
    const booted = await board.boot()
    expect(await passes(booted, `alice ${code('alice')}`)).toBe('failed')
    clock.time += 1_000
    expect(await passes(booted, `alice ${code('alice')}`)).toBe('granted')
  })

  it('do not pass, and no bundle is taken in, while the clock is set back', async () => {
    const board = await makeBoard()
    const { clock, put, seal, code, entries } = board
    put(seal(1, [alice]))
    const booted = await board.boot()
    clock.time = start + 31 * day
    expect(await passes(booted, `alice ${code('alice')}`)).toBe('failed')
    clock.time = start
    put(seal(2, [alice, bob]))
    expect(await passes(booted, `alice ${code('alice')}`)).toBe('clock')
    expect(await passes(booted, `bob ${code('bob')}`)).toBe('clock')
    expect(await entries('bundle.accepted')).toHaveLength(1)
  })

  it('are gone with the next one that leaves them out, even between two steps', async () => {
    const factors = [
      { id: 'app', label: 'Code', type: 'totp' },
      { id: 'paper', label: 'Backup code', type: 'backup' },
    ]
    const board = await makeBoard({ policy: { mode: 'fixed', requiredSteps: 2, factors } })
    const { clock, put, seal, code, gone, store } = board
    const { secret, settings: kept } = await hashBackupCodes(['ABCD-2345', 'EFGH-6789'], {
      ...{ random, format: 'short', iterations: 1_000 },
    })
    const hashes = Buffer.from(secret).toString('base64url')
    const both = {
      ...alice,
      factors: [...alice.factors, { type: 'backup' as const, hashes, settings: kept }],
    }
    put(seal(1, [both, bob]))
    const booted = await board.boot()
    const walk = booted.authority.converse('p')
    expect(await walk.judge(`alice ${code('alice')}`)).toEqual({ kind: 'next', label: 'Backup code' })
    expect(await walk.judge('ABCD-2345')).toMatchObject({ kind: 'granted' })
    clock.time += 30_000
    const second = booted.authority.converse('p')
    expect(await second.judge(`alice ${code('alice')}`)).toMatchObject({ kind: 'next' })
    put(seal(2, [bob]))
    expect(await second.judge('EFGH-6789')).toEqual({ kind: 'failed', lock: null })
    expect(gone).toEqual(['alice'])
    const { id } = booted.roster.known.get('alice')!
    const active = await store.read((tx) => tx.enrolments.listBySubject(id, { status: 'active' }))
    expect(active).toEqual([])
    // put back with the same set of codes: the used one would be good again, so none of them is
    put(seal(3, [both, bob]))
    clock.time += 30_000
    const third = booted.authority.converse('p')
    expect((await third.judge(`alice ${code('alice')}`)).kind).not.toBe('granted')
    // by its look the name of somebody, who is asked for a code like anybody
    for (const kind of ['next', 'failed']) expect((await third.judge('ABCD-2345')).kind).toBe(kind)
  })

  it('pass by a YubiKey of this gate, once, also after the next bundle', async () => {
    // from Yubico's own library of the algorithm, yubico-c/tests/selftest.c
    const typed = 'dteffujehknhfjbrjnlnldnhcujvddbikngjrtgh'.slice(-32)
    const key = 'ecde18dbe76fbd0c33330f1c354871db'
    const yubikey = { type: 'yubikey' as const, id: 'cccccccccccb', private_id: '8792ebfe26cc', key }
    const board = await makeBoard({
      policy: { ...oneTotp, factors: [{ id: 'k', label: 'Key', type: 'yubikey' }] },
    })
    const { put, seal } = board
    put(seal(1, [{ id: 'alice', factors: [yubikey] }]))
    const booted = await board.boot()
    expect(await passes(booted, `alice cccccccccccb${typed}`)).toBe('granted')
    put(seal(2, [{ id: 'alice', factors: [yubikey] }, bob]))
    expect(await passes(booted, `alice cccccccccccb${typed}`)).toBe('failed')
    expect(booted.roster.directory()?.serial).toBe(2)
  })

  it('are not whom the configuration lists itself', async () => {
    const board = await makeBoard({ listed: [{ id: 'Alice', secret: secrets.bob }] })
    const { put, seal, code } = board
    put(seal(1, [alice]))
    const booted = await board.boot()
    expect(await passes(booted, `alice ${code('alice')}`)).toBe('failed')
    expect(await passes(booted, `alice ${code('bob')}`)).toBe('granted')
  })

  it('are nobody when the key that proves bundles is changed', async () => {
    const board = await makeBoard()
    const { put, seal, code, source } = board
    put(seal(1, [alice]))
    expect(await passes(await board.boot(), `alice ${code('alice')}`)).toBe('granted')
    const publicKey = parseBundleKey(generateBundleKey(random).publicKey)
    const booted = await board.boot({ source: { ...source, publicKey } })
    board.clock.time += 30_000
    expect(await passes(booted, `alice ${code('alice')}`)).toBe('failed')
    expect(booted.roster.directory()).toMatchObject({ state: 'none', serial: null })
  })

  it('are taken in once by many who ask at once, and again after a failure of the store', async () => {
    const board = await makeBoard()
    const { put, seal, entries, store, code } = board
    let failing = true
    const faulty: Store = {
      ...store,
      transaction: (work) => (failing ? Promise.reject(new Error('disk')) : store.transaction(work)),
    }
    const booted = await board.boot({ store: faulty })
    put(seal(1, [alice, bob]))
    await expect(booted.authority.converse('p').judge(`alice ${code('alice')}`)).rejects.toThrow('disk')
    failing = false
    await Promise.all(Array.from({ length: 20 }, () => booted.roster.refresh()))
    expect(await entries('bundle.accepted')).toHaveLength(1)
    expect(await passes(booted, `alice ${code('alice')}`)).toBe('granted')
  })
})
