import { chmodSync, existsSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { issueBundle, rotateKeys, SallyportError, sealedPorts, systemRandom } from '@sallyport/core'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { type BundleOptions, bundleCommand } from '../cli/src/shim/bundle-make.ts'
import { generateBundleKey, x25519Text } from '../gates/serial/src/index.ts'
import { newX25519 } from '../gates/serial/src/x25519.ts'

import { makeDirectory, sallyport, sallyportJson } from './support/cli.ts'
import { addSubject, type Installation, openInstallation } from './support/installation.ts'

vi.setConfig({ testTimeout: 60_000 })

interface Made {
  serial: number
  fingerprint: string
  technicians: { id: string; new: boolean; secret?: string; backup_codes?: string[] }[]
}

const folder = makeDirectory()
const at = (name: string) => join(folder.path, name)
const tess = 'tess@example.org'
const totp = { algorithm: 'SHA1', period: 30, digits: 6, issuer: 'ShimMFA' } as const
let installation: Installation

function request(device: string, publicKey = x25519Text(newX25519(systemRandom))): string {
  const file = at(`${device}.request`)
  const text = { sallyport: 'bundle request v1', device, public_key: publicKey, totp }
  writeFileSync(file, JSON.stringify(text))
  return file
}
const words = (file: string, ...more: string[]) => [
  ...['shim', 'bundle', '--for', file, '--sign-key', at('bundle.key'), '--out', at('out.bundle')],
  ...['--data', at('data'), ...more],
]
const make = (file: string, ...more: string[]) => sallyportJson<Made>(words(file, ...more))
/** What a refusal says. The command itself, without a process around it. */
async function refused(file: string, change: Partial<BundleOptions> = {}): Promise<string> {
  const files = { for: file, signKey: at('bundle.key'), out: at('out.bundle'), data: at('data') }
  const lists = { user: [], renew: [], backupCodesFor: [], qrFor: [] }
  const made = bundleCommand({ ...files, ...lists, expires: '30d', ...change })
  const error = await made.then(
    () => null,
    (cause: SallyportError) => cause,
  )
  expect(error).toBeInstanceOf(SallyportError)
  return error!.message
}

function people(...technicians: object[]): string {
  writeFileSync(at('people.yaml'), JSON.stringify({ technicians }), { mode: 0o600 })
  return at('people.yaml')
}

beforeAll(async () => {
  writeFileSync(at('bundle.key'), generateBundleKey(systemRandom).privateKeyPem, { mode: 0o600 })
  installation = await openInstallation(at('data'))
  await addSubject(installation, 'tess@example.org', { role: 'technician' })
  const { id } = await addSubject(installation, 'out@example.org', { role: 'technician' })
  await installation.store.transaction((tx) => tx.subjects.update(id, { disabledAt: 1 }))
  await addSubject(installation, 'ursula@example.org')
})
afterAll(async () => {
  await installation.close()
  folder.remove()
})

describe('shim bundle', () => {
  it('takes users by role and by name, and gives each gate secrets of its own, the same every time', async () => {
    const [one, two] = [request('pump-1'), request('pump-2')]
    const first = await make(one, '--role', 'technician', '--user', 'Ursula@example.org')
    expect(first.technicians.map(({ id }) => id)).toEqual(['tess@example.org', 'ursula@example.org'])
    const again = await make(one, '--role', 'technician', '--qr-for', 'TESS@example.org')
    expect(again.serial).toBeGreaterThan(first.serial)
    expect(again.technicians).toMatchObject([{ new: false, secret: first.technicians[0]!.secret }])
    const other = await make(two, '--role', 'technician', '--backup-codes-for', 'tess@example.org')
    expect(other.technicians[0]!.secret).not.toBe(first.technicians[0]!.secret)
    expect(other.technicians[0]!.backup_codes).toHaveLength(10)
    // who was left out has another secret on coming back
    const back = await make(one, '--user', 'ursula@example.org')
    expect(back.technicians).toMatchObject([{ new: true }])
    expect(back.technicians[0]!.secret).not.toBe(first.technicians[1]!.secret)
    const entries = await installation.store.read((tx) =>
      tx.ledger.entries(0, 100, { type: 'bundle.issued' }),
    )
    expect(entries).toHaveLength(4)
    const text = readFileSync(at('out.bundle'), 'utf8')
    for (const { secret } of [...first.technicians, ...back.technicians]) expect(text).not.toContain(secret)
  })

  it('is made for the key that a gate is known with, until somebody says that the board was replaced', async () => {
    const before = await make(request('board'), '--user', 'tess@example.org')
    const file = request('board')
    expect(await refused(file, { user: ['tess@example.org'] })).toContain(
      'device board is known with another key',
    )
    const after = await make(file, '--user', 'tess@example.org', '--replace-device')
    expect(after.technicians).toMatchObject([{ new: true }])
    expect(after.technicians[0]!.secret).not.toBe(before.technicians[0]!.secret)
    expect(after.serial).toBeGreaterThan(before.serial)
    expect(after.fingerprint).not.toBe(before.fingerprint)
  })

  it('has a YubiKey at one gate only', async () => {
    const key = { type: 'yubikey', id: 'cccccccccccb', private_id: '010203040506', key: '00'.repeat(16) }
    const file = people({ id: 'alice', name: 'Alice', factors: [key] })
    const impostor = request('pump-1')
    expect(await refused(impostor, { from: file })).toContain('known with another key')
    await make(request('key-1'), '--from', file)
    expect(await refused(request('key-2'), { from: file })).toContain(
      'the YubiKey cccccccccccb is known to another gate: program a slot of it',
    )
    chmodSync(file, 0o644)
    expect(await refused(request('key-2'), { from: file })).toContain(
      'others could read them; run `chmod 600',
    )
  })

  it.each([
    ['nobody is named', () => ({}), 'say who goes into the bundle: --from, --role or --user'],
    ['an unknown role', () => ({ role: 'nobody' }), '--role: nobody has the role "nobody"'],
    ['an unknown user', () => ({ user: ['nobody'] }), '--user: there is no user "nobody"'],
    ['a user who was shut out', () => ({ user: ['out@example.org'] }), 'was shut out by an administrator'],
    ['a life without end', () => ({ user: [tess], expires: '9999d' }), '--expires: must be'],
    [
      'a name twice',
      () => ({ from: people({ id: 'a' }, { id: 'A' }) }),
      'technicians[1].id: is there already',
    ],
    ['one in file and server', () => ({ from: people({ id: tess }), user: [tess] }), 'is listed twice'],
    [
      'a secret that other gates could have',
      () => ({ from: people({ id: 'a', factors: [{ type: 'totp', secret: 'JBSWY3DPEHPK3PXP' }] }) }),
      'technicians[0].factors[0]: is made for each gate anew: leave it out',
    ],
    [
      'codes for a stranger',
      () => ({ user: [tess], backupCodesFor: ['x'] }),
      'technician "x" is not among those',
    ],
  ])('is refused with what to do: %s', async (_, more, said) => {
    const before = existsSync(at('out.bundle')) ? readFileSync(at('out.bundle')) : null
    expect(await refused(request('faulty'), more())).toContain(said)
    expect(existsSync(at('out.bundle')) ? readFileSync(at('out.bundle')) : null).toEqual(before)
    expect(readdirSync(folder.path).filter((name) => name.endsWith('.new'))).toEqual([])
  })

  it('names the file that cannot be used', async () => {
    const file = request('files')
    const user = [tess]
    const serial = async () => (await installation.store.read((tx) => tx.bundles.findDevice('files')))?.serial
    expect(await refused(at('bundle.key'), { user })).toContain('is no request of')
    expect(await refused(file, { user, signKey: file })).toContain('others could read')
    chmodSync(file, 0o600)
    expect(await refused(file, { user, signKey: file })).toContain('is no Ed25519 private key; make one with')
    expect(await refused(file, { user, out: at('nowhere/x') })).toContain('cannot be written (ENOENT)')
    // nothing was used up for it
    expect(await serial()).toBeUndefined()
    expect(await sallyport(['shim', 'bundle', '--for', file])).toMatchObject({
      ...{ code: 2, err: expect.stringContaining("required option '--sign-key <file>' not specified") },
    })
    expect(statSync(at('bundle.key')).mode & 0o777).toBe(0o600)
    expect((await sallyport(['shim', 'bundle', 'keygen', '--out', at('bundle.key')])).err).toContain(
      'is there already',
    )
  })
})

describe('issueBundle', () => {
  const publicKey = x25519Text(newX25519(systemRandom))
  const order = {
    ...{ device: { id: 'many', publicKey }, totp: { algorithm: 'SHA1', period: 30, digits: 6 } },
    ...{ technicians: ['a', 'b'], renew: [], backupCodesFor: [], show: ['a', 'b'], yubikeys: [] },
    ...{ expires: 4_000_000_000_000, replaceDevice: false, actor: 'test' },
  }
  const secretsOf = (made: Awaited<ReturnType<typeof issueBundle>>) =>
    made.technicians.map(({ factors: [factor] }) => factor!.type === 'totp' && factor!.secret)

  it('gives many at once serials of their own and one secret, which a rotation of keys leaves as it was', async () => {
    const all = await Promise.all(Array.from({ length: 10 }, () => issueBundle(order, installation)))
    expect(new Set(all.map(({ serial }) => serial)).size).toBe(10)
    expect(new Set(all.map((made) => secretsOf(made).join())).size).toBe(1)
    expect(all.flatMap(({ technicians }) => technicians).filter(({ isNew }) => isNew)).toHaveLength(2)
    const { store, vault, clock } = installation
    const rotated = await rotateKeys({ store, vault, clock, resealables: sealedPorts })
    expect(rotated.unreadable).toEqual([])
    const left = await store.read((tx) => tx.bundles.sealedUnderOtherKeys(vault.activeKeyId, 10))
    expect(left).toEqual([])
    expect(secretsOf(await issueBundle(order, installation))).toEqual(secretsOf(all[0]!))
  })

  it('goes on above serials that a clock set back, or an older database, would give anew', async () => {
    const { serial } = await issueBundle(order, installation)
    const past = { ...installation, clock: { now: () => 1_000 } }
    expect((await issueBundle(order, past)).serial).toBe(serial + 1)
    const later = { ...installation, clock: { now: () => (serial + 1_000) * 1_000 } }
    expect((await issueBundle(order, later)).serial).toBe(serial + 1_000)
  })
})
