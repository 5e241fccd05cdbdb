import { once } from 'node:events'
import { chmodSync, cpSync, readFileSync, rmSync, statSync, truncateSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { defaultTotpSettings, newTotpSecret, randomId } from '@sallyport/core'
import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest'
import { makeDirectory, sallyport, sallyportJson, startSallyport } from './support/cli.ts'
import { addSubject, openInstallation } from './support/installation.ts'

// A process each, on whatever machine this is.
vi.setConfig({ testTimeout: 120_000 })

const directory = makeDirectory()
const pristine = join(directory.path, 'pristine')
const data = join(directory.path, 'data')

/** Active authenticators of one subject, as many as asked for. */
async function addAuthenticators(path: string, count: number): Promise<void> {
  const installation = await openInstallation(path)
  const { store, vault, random, clock } = installation
  const { id: subjectId } = await addSubject(installation, 'many')
  await store.transaction(async (tx) => {
    for (let n = 0; n < count; n++) {
      const plaintext = newTotpSecret(random)
      await tx.enrolments.insert({
        id: randomId(random),
        subjectId,
        factor: 'totp',
        name: `phone ${n}`,
        status: 'active',
        sealed: vault.seal({ subject: subjectId, purpose: 'totp', plaintext }),
        settings: { ...defaultTotpSettings },
        createdAt: clock.now(),
        confirmedAt: clock.now(),
        revokedAt: null,
        lastUsedAt: null,
        expiresAt: null,
      })
    }
  })
  await installation.close()
}

/** How many authenticators open; fails when one does not. */
async function openAll(path: string): Promise<number> {
  const installation = await openInstallation(path)
  const { store, vault } = installation
  const subject = await store.read((tx) => tx.subjects.findByAlias('login', 'many'))
  const all = await store.read((tx) => tx.enrolments.listBySubject(subject!.id))
  for (const { sealed } of all) await vault.open({ subject: subject!.id, purpose: 'totp', sealed: sealed! })
  await installation.close()
  return all.length
}

beforeAll(async () => {
  await sallyport(
    ['user', 'create', '--data', pristine, '--email', 'a@b.org', '--role', 'admin', '--password-stdin'],
    {
      input: 'correct horse battery',
    },
  )
})

beforeEach(() => {
  rmSync(data, { recursive: true, force: true })
  cpSync(pristine, data, { recursive: true })
  chmodSync(data, 0o700)
})

afterAll(() => directory.remove())

describe('key', () => {
  it('seals everything anew under a fresh key, and lists both', async () => {
    const { keys: before } = await sallyportJson<{ keys: { id: string }[] }>(['key', 'list', '--data', data])
    expect(before).toEqual([
      { id: expect.any(String), status: 'active', created_at: expect.any(String), retired_at: null },
    ])
    const { code, out, err } = await sallyport(['key', 'rotate', '--data', data])
    expect(code).toBe(0)
    expect(out).toMatch(/^rotated: \d+ secrets are now sealed under [\w-]{8}\n$/)
    expect(err).toMatch(/^(sealing anew \d+\/\d+\n)+$/)
    const listed = (await sallyport(['key', 'list', '--data', data])).out
    expect(listed).toMatch(new RegExp(`^${before[0]!.id} {2}retiring .*\n[\\w-]{8} {2}active `))
    expect(listed).not.toContain(readFileSync(join(data, 'vault.key'), 'utf8').trim())
    expect((await sallyport(['ledger', 'export', '--data', data])).out).toContain('vault.rotated')
  })

  it('goes on where it was killed', async () => {
    const count = 4_000
    await addAuthenticators(data, count)
    const child = startSallyport(['key', 'rotate', '--data', data])
    await once(child.stderr!, 'data')
    child.kill('SIGKILL')
    await once(child, 'close')

    expect(await openAll(data)).toBe(count)
    const second = await sallyportJson<Record<string, number>>(['key', 'rotate', '--data', data])
    expect(second).toMatchObject({ resumed: true, unreadable: [] })
    expect(second.resealed).toBeGreaterThan(0)
    expect(second.resealed).toBeLessThan(count)
    expect(await openAll(data)).toBe(count)
    const { keys } = await sallyportJson<{ keys: { id: string; status: string }[] }>([
      'key',
      'list',
      '--data',
      data,
    ])
    expect(keys.map(({ status }) => status)).toEqual(['retiring', 'active'])
    expect(keys[1]!.id).toBe(second.key)
  })

  it('names secrets that do not open, and leaves them', async () => {
    await addAuthenticators(data, 3)
    const database = new DatabaseSync(join(data, 'sallyport.db'))
    database.exec("UPDATE enrolments SET sealed = zeroblob(length(sealed)) WHERE name = 'phone 1'")
    const { id } = database.prepare("SELECT id FROM enrolments WHERE name = 'phone 1'").get()!
    database.close()
    const { code, out } = await sallyport(['key', 'rotate', '--data', data, '--json'])
    expect(code).toBe(1)
    expect(JSON.parse(out).unreadable).toEqual([id])
  })
})

interface Finding {
  check: string
  status: string
  found: string
  mend?: string
}

async function examine(
  ...more: string[]
): Promise<{ code: number | null; findings: Record<string, Finding> }> {
  const { code, out } = await sallyport(['doctor', '--data', data, '--json', ...more])
  const { findings } = JSON.parse(out) as { findings: Finding[] }
  for (const { status, mend, check } of findings) {
    if (status !== 'ok') expect(mend, `${check} says how to mend it`).toEqual(expect.any(String))
  }
  return { code, findings: Object.fromEntries(findings.map((finding) => [finding.check, finding])) }
}

describe('doctor', () => {
  it('finds a sound installation sound', async () => {
    const { code, findings } = await examine()
    expect(code).toBe(0)
    for (const check of ['node', 'configuration', 'data directory', 'store', 'vault', 'ledger', 'fips']) {
      expect(findings[check]?.status, check).toBe('ok')
    }
    expect(findings.mail).toMatchObject({ status: 'warning', mend: expect.stringContaining('mail.smtp') })
    expect(findings.siem).toMatchObject({
      status: 'warning',
      mend: expect.stringContaining('ledger checkpoint'),
    })
  })

  it('asks the mail server whether it is there', async () => {
    const server = createServer((socket) => socket.end('220 here\r\n')).listen(0, '127.0.0.1')
    await once(server, 'listening')
    const { port } = server.address() as { port: number }
    const config = join(directory.path, 'mail.yaml')
    writeFileSync(config, `mail: { smtp: { host: 127.0.0.1, port: ${port} } }\n`)
    expect((await examine('--config', config)).findings.mail).toMatchObject({ status: 'ok' })
    server.close()
    await once(server, 'close')
    const { code, findings } = await examine('--config', config)
    expect(code).toBe(1)
    expect(findings.mail).toMatchObject({
      status: 'failed',
      found: `127.0.0.1:${port} does not answer (ECONNREFUSED)`,
    })
  })

  it('warns of a data directory that others may look into', async () => {
    chmodSync(data, 0o755)
    const { code, findings } = await examine()
    expect(code).toBe(0)
    expect(findings['data directory']).toMatchObject({
      status: 'warning',
      mend: expect.stringContaining('chmod 700'),
    })
  })

  it.each<[string, () => void, RegExp, RegExp]>([
    [
      'a key file that others may read',
      () => chmodSync(join(data, 'vault.key'), 0o644),
      /0644.*chmod 600/,
      /./,
    ],
    [
      'a key file that is not there',
      () => rmSync(join(data, 'vault.key')),
      /vault\.key: ENOENT/,
      /put the key back/,
    ],
    [
      'the key of another installation',
      () => writeFileSync(join(data, 'vault.key'), Buffer.alloc(32, 9).toString('base64')),
      /does not open the vault/,
      /the key that this database was set up with/,
    ],
    [
      'a database cut short',
      () => truncateSync(join(data, 'sallyport.db'), 20_000),
      /damaged/,
      /last backup/,
    ],
    [
      'a database of another kind',
      () => writeFileSync(join(data, 'sallyport.db'), 'x'.repeat(9_000)),
      /damaged/,
      /backup/,
    ],
    ['a database from the future', () => setSchema(999), /schema version 999/, /newer Sallyport/],
  ])('finds %s', async (_, harm, found, mend) => {
    harm()
    const { code, findings } = await examine()
    expect(code).toBe(1)
    expect(findings['store and vault']).toMatchObject({
      status: 'failed',
      found: expect.stringMatching(found),
      mend: expect.stringMatching(mend),
    })
  })

  it('names every fault of the configuration', async () => {
    const config = join(directory.path, 'faulty.yaml')
    writeFileSync(config, 'listen: { port: 99999 }\nnonsense: 1\ntotp: { digits: 5 }\n')
    const { code, findings } = await examine('--config', config)
    expect(code).toBe(1)
    for (const path of ['listen.port', 'nonsense', 'totp.digits']) {
      expect(findings.configuration!.found).toContain(`\n${path}: `)
    }
  })

  // Permissions bind nobody who is root, so root asks as somebody else, where that one may read the code.
  it.runIf(mayReadAsNobody())('finds a directory that it cannot write', async () => {
    chmodSync(directory.path, 0o755)
    chmodSync(data, 0o555)
    const uid = process.getuid!() === 0 ? 65_534 : undefined
    const { code, out } = await sallyport(
      ['doctor', '--data', data, '--json'],
      uid === undefined ? {} : { uid },
    )
    expect(code).toBe(1)
    expect(JSON.parse(out).findings).toContainEqual(
      expect.objectContaining({
        check: 'data directory',
        status: 'failed',
        mend: expect.stringContaining('chown'),
      }),
    )
  })
})

describe('an installation that cannot be opened', () => {
  const serve = () => sallyport(['serve', '--data', data, '--port', '0'])

  it('is refused at start when the key is another one, saying what to look at', async () => {
    writeFileSync(join(data, 'vault.key'), Buffer.alloc(32, 9).toString('base64'))
    const { code, out, err } = await serve()
    expect({ code, out }).toEqual({ code: 1, out: '' })
    expect(err).toMatch(/^error \(vault_wrong_key\): .*key file, passphrase or key command/)
  })

  it('gets no new key in place of one that is missing', async () => {
    rmSync(join(data, 'vault.key'))
    for (const words of [['serve', '--port', '0'], ['user', 'list'], ['doctor']]) {
      expect((await sallyport([...words, '--data', data])).code).toBe(1)
    }
    expect(statSync(join(data, 'vault.key'), { throwIfNoEntry: false })).toBeUndefined()
    expect((await serve()).err).toMatch(/^error \(vault_key_unreadable\): .*vault\.key: ENOENT/)
  })

  it.each<[string, () => void, RegExp]>([
    [
      'damaged',
      () => truncateSync(join(data, 'sallyport.db'), 20_000),
      /store_damaged.*put back the last backup/,
    ],
    [
      'newer than the program',
      () => setSchema(999),
      /store_schema_newer.*version 999.*start the newer program/,
    ],
  ])('is refused when its database is %s', async (_, harm, message) => {
    harm()
    const { code, err } = await serve()
    expect(code).toBe(1)
    expect(err).toMatch(message)
  })

  it('is opened by a passphrase or a command as well, and by no other', async () => {
    const config = join(directory.path, 'passphrase.yaml')
    const passphrase = join(directory.path, 'passphrase')
    const own = join(directory.path, 'by passphrase')
    writeFileSync(passphrase, 'a long passphrase\n', { mode: 0o600 })
    writeFileSync(config, `vault:\n  passphrase_file: ${JSON.stringify(passphrase)}\n`)
    const words = ['--data', own, '--config', config]
    expect((await sallyport(['apikey', 'create', '--name', 'n', '--scope', 'admin', ...words])).code).toBe(0)
    expect((await sallyport(['key', 'list', ...words])).code).toBe(0)
    writeFileSync(passphrase, 'another passphrase\n', { mode: 0o600 })
    expect((await sallyport(['key', 'list', ...words])).err).toContain('vault_wrong_key')

    const key = readFileSync(join(data, 'vault.key'), 'utf8').trim()
    writeFileSync(config, `vault: { command: [echo, ${JSON.stringify(key)}] }\n`)
    expect((await sallyport(['key', 'list', '--data', data, '--config', config])).code).toBe(0)
  })
})

function setSchema(version: number): void {
  const database = new DatabaseSync(join(data, 'sallyport.db'))
  database.exec(`INSERT INTO schema_migrations (version, applied_at) VALUES (${version}, 0)`)
  database.close()
}

function mayReadAsNobody(): boolean {
  if (process.getuid?.() !== 0) return true
  const readable = (path: string): boolean =>
    (statSync(path).mode & 0o005) === 0o005 && (path === '/' || readable(join(path, '..')))
  return readable(join(import.meta.dirname, '..', 'cli')) && readable(join(process.execPath, '..'))
}
