import { spawnSync } from 'node:child_process'
import { chmodSync, chownSync, existsSync, mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { readYaml } from '../cli/src/read-yaml.ts'
import { parseShimConfig } from '../gates/serial/src/index.ts'
import { makeDirectory, sallyport, sallyportJson } from './support/cli.ts'

const directory = makeDirectory()
afterAll(() => directory.remove())

const example = new URL('../shim.example.yaml', import.meta.url).pathname
const text = readFileSync(example, 'utf8')
/** Prose begins with a capital, so a comment that begins with a key, or with a list, is one that was commented out. */
const uncommented = text
  .replace(/^( *)# ( *(?:[a-z][A-Za-z_]*:|- \{))/gm, '$1$2')
  .replace('factors: []', 'factors:')

function write(content: string, mode = 0o600): string {
  const file = join(directory.path, 'shim.yaml')
  writeFileSync(file, content, { mode })
  chmodSync(file, mode)
  return file
}

describe('shim.example.yaml', () => {
  it('can be used as it stands', async () => {
    const { code, out } = await sallyport(['shim', 'check', '--config', example])
    expect({ code, out }).toEqual({ code: 0, out: expect.stringContaining('valid: ') })
  })

  it('shows every section, and only values that are allowed', () => {
    const document = readYaml(write(uncommented))
    const sections = [
      'device',
      'ports',
      'technicians',
      'policy',
      'vault',
      'lockout',
      'session',
      'totp',
      'clock',
    ]
    expect(Object.keys(document)).toEqual([...sections, 'integrity', 'storage', 'siem', 'tamper'])
    const { key_file: _, ...vault } = document.vault as Record<string, unknown>
    const technicians = [{ id: 'alice' }]
    expect(() => parseShimConfig({ ...document, vault, technicians })).not.toThrow()
    expect(() => parseShimConfig({ ...document, vault: 'off' })).not.toThrow()
  })

  it('says what holds without it', () => {
    const shown = readYaml(write(uncommented))
    const { lockout, totp, clock } = shown
    const least = { device: shown.device, ports: shown.ports }
    const session = { ...(shown.session as object), escape: undefined }
    const storage = shown.storage
    expect(parseShimConfig({ ...least, lockout, totp, clock, session, storage })).toEqual(
      parseShimConfig(least),
    )
  })
})

describe('shim check', () => {
  it('names every fault, refuses secrets that others can read, and never shows one', async () => {
    const bad = await sallyport(['shim', 'check', '--config', write('ports: []\nnonsense: 1\n')])
    expect(bad.code).toBe(1)
    expect(bad.err).toMatch(/device: required\nports: must have at least 1 entry\nnonsense: unknown key\n/)
    const clear = `device: { id: p }\nports: [{ id: a, technician: /dev/a, device: /dev/b }]\nvault: off
technicians: [{ id: alice, factors: [{ type: totp, secret: JBSWY3DPEHPK3PXP }] }]\n`
    const open = await sallyport(['shim', 'check', '--config', write(clear, 0o644)])
    expect(open.err).toContain('its mode is 0644: others could read them')
    expect(open.err).not.toContain('JBSWY')
    expect((await sallyport(['shim', 'check', '--config', write(clear)])).code).toBe(0)
  })
})

describe('what no gate can start with', () => {
  const least = { device: { id: 'p' }, ports: [{ id: 'a', technician: '/dev/a', device: '/dev/b' }] }
  const json = (extra: object) =>
    write(JSON.stringify({ ...least, storage: { dir: join(directory.path, 'unstarted') }, ...extra }))

  it.each([
    ['siem.address', { siem: { transport: 'tls', address: 'nonsense' } }],
    ['siem.address', { siem: { transport: 'file', address: './nowhere/siem.jsonl' } }],
    ['siem.format', { siem: { transport: 'tls', address: 'x:6514', format: 'ocsf' } }],
    ['siem.address', { siem: { transport: 'https', address: 'http://siem.example.org' } }],
    ['siem.tls.ca_file', { siem: { transport: 'tls', address: 'x:6514', tls: { ca_file: 'gone.pem' } } }],
    [
      'siem.tls',
      {
        siem: { transport: 'tls', address: 'x:6514', tls: { cert_file: 'shim.yaml', key_file: 'shim.yaml' } },
      },
    ],
    ['storage.auditor_keys[1]', { storage: { auditor_keys: ['./gone', 'garbage'] } }],
    ['vault.key_file', { vault: { key_file: '/nonexist/key' } }],
    [
      'policy',
      {
        vault: 'off',
        technicians: [{ id: 'alice', factors: [{ type: 'backup', codes: ['ABCD-2345'] }] }],
      },
    ],
  ])('%s is named by `check`, and refused by `run`', async (path, extra) => {
    const file = json(extra)
    for (const command of path === 'policy' || path === 'siem.tls' ? ['check', 'run'] : ['check']) {
      const { code, err } = await sallyport(['shim', command, '--config', file])
      expect({ command, code, err }).toMatchObject({ code: 1, err: expect.stringContaining(`\n${path}: `) })
    }
    expect(existsSync(join(directory.path, 'unstarted'))).toBe(false)
  })

  it('is told from what only ought to be looked at', async () => {
    const { warnings } = await sallyportJson<{ warnings: string[] }>(['shim', 'check', '--config', json({})])
    expect(warnings).toEqual([
      expect.stringContaining('no storage.auditor_keys'),
      expect.stringContaining('no technicians'),
      expect.stringContaining('no siem'),
    ])
  })

  it('is not a relative path, which begins at the file wherever the command is called', async () => {
    await sallyport(['recording', 'keygen', '--out', join(directory.path, 'auditor.key')])
    const public_key = (await sallyport(['recording', 'keygen', '--out', join(directory.path, 'other.key')]))
      .out
    writeFileSync(join(directory.path, 'auditor.pub'), /x25519:\S+/.exec(public_key)![0])
    const file = json({
      storage: { dir: 'kept', auditor_keys: ['./auditor.pub'] },
      siem: { transport: 'file', address: 'siem.jsonl' },
      vault: { key_file: './own.key' },
    })
    const words = ['shim', 'break-glass', '--config', file]
    expect(await sallyport(words)).toMatchObject({ code: 0 })
    for (const name of ['kept/state/shim.db', 'own.key'])
      expect(existsSync(join(directory.path, name)), name).toBe(true)
    expect(await sallyport(['shim', 'check', '--config', file])).toMatchObject({ code: 0 })
  })
})

describe('shim enrol', () => {
  it('writes a sealed factor beside the comments that were there, for that technician alone', async () => {
    const data = join(directory.path, 'data')
    const file = write(
      `# mine\ndevice: { id: p }\nports: [{ id: a, technician: /dev/a, device: /dev/b }]\nstorage: { dir: ${data} }\n`,
    )
    const words = ['shim', 'enrol', '--config', file, '--technician', 'alice@example.org']
    const { secret } = await sallyportJson<{ secret: string }>(words)
    expect(spawnSync('oathtool', ['--totp', '-b', secret], { encoding: 'utf8' }).stdout).toMatch(/^\d{6}\n$/)
    const { codes } = await sallyportJson<{ codes: string[] }>([...words, '--backup-codes'])
    const written = readFileSync(file, 'utf8')
    expect(written).toContain('# mine\n')
    for (const plain of [secret, ...codes]) expect(written).not.toContain(plain)
    const { technicians } = parseShimConfig(readYaml(file))
    expect(technicians).toMatchObject([
      { id: 'alice@example.org', factors: [{ type: 'totp' }, { type: 'backup' }] },
    ])
    const renamed = await sallyportJson<{ codes: string[] }>([...words, '--backup-codes', '--name', 'Alice'])
    expect(renamed.codes).toHaveLength(10)
    expect(parseShimConfig(readYaml(file)).technicians[0]).toMatchObject({
      name: 'Alice',
      factors: [{}, {}, {}],
    })
    // moved to somebody else's name, it does not open
    write(written.replace('alice@example.org', 'mallory@example.org'))
    const { code, err } = await sallyport(['shim', 'run', '--config', file])
    expect(code).toBe(1)
    expect(err).toContain('the sealed totp of technician mallory@example.org does not open')
  })

  it('seals a YubiKey from what was programmed into it, and says what a bare id lacks', async () => {
    const base = { device: { id: 'p' }, ports: [{ id: 'a', technician: '/dev/a', device: '/dev/b' }] }
    const storage = { dir: join(directory.path, 'keys') }
    const bare = { technicians: [{ id: 'bob', factors: [{ type: 'yubikey', id: 'cccccccccccb' }] }] }
    const refused = await sallyport([
      'shim',
      'check',
      '--config',
      write(JSON.stringify({ ...base, storage, ...bare })),
    ])
    expect(refused.err).toContain(
      'technicians[0].factors[0].key: an id alone cannot be validated without a network',
    )
    const file = write(JSON.stringify({ ...base, storage }))
    const secrets = join(directory.path, 'key.csv')
    const words = ['shim', 'enrol', '--config', file, '--technician', 'bob', '--yubikey', secrets]
    expect(await sallyport(words)).toMatchObject({
      code: 1,
      err: expect.stringContaining('cannot be read (ENOENT)'),
    })
    writeFileSync(secrets, 'cccccccccccb\n')
    expect(await sallyport(words)).toMatchObject({ code: 1, err: expect.stringContaining('the private id') })
    const key = 'ecde18dbe76fbd0c33330f1c354871db'
    writeFileSync(secrets, `cccccccccccb, 8792EBFE26CC, ${key}\n`)
    expect(await sallyport(words)).toMatchObject({ code: 0 })
    expect(readFileSync(file, 'utf8')).not.toContain(key)
    const { technicians } = parseShimConfig(readYaml(file))
    expect(technicians[0]!.factors).toEqual([
      { type: 'yubikey', id: 'cccccccccccb', sealed: expect.any(String) },
    ])
  })

  it.runIf(process.getuid?.() === 0)('is for the user of the gate, and leaves the file its own', async () => {
    const nobody = 65_534
    chmodSync(directory.path, 0o755)
    const etc = join(directory.path, 'etc')
    mkdirSync(etc)
    const file = join(etc, 'shim.yaml')
    writeFileSync(
      file,
      `device: { id: p }\nports: [{ id: a, technician: /dev/a, device: /dev/b }]\nstorage: { dir: ./data }\n`,
      { mode: 0o600 },
    )
    chownSync(file, nobody, nobody)
    const words = ['shim', 'enrol', '--config', file, '--technician', 'alice']
    const { code, err } = await sallyport(words, { uid: nobody })
    expect({ code, err }).toMatchObject({
      code: 1,
      err: expect.stringContaining(`its directory ${etc} must belong`),
    })
    expect(err).not.toContain('    at ')
    chownSync(etc, nobody, nobody)
    expect(await sallyport(words, { uid: nobody })).toMatchObject({ code: 0 })
    const root = await sallyport(words)
    expect(root).toMatchObject({
      code: 1,
      err: expect.stringContaining('belongs to user 65534: run this as that user'),
    })
    const { uid, mode } = statSync(file)
    expect({ uid, mode: mode & 0o777 }).toEqual({ uid: nobody, mode: 0o600 })
  })
})
