import { spawnSync } from 'node:child_process'
import { chmodSync, readFileSync, writeFileSync } from 'node:fs'
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
    // moved to somebody else's name, it does not open
    write(written.replace('alice@example.org', 'mallory@example.org'))
    const { code, err } = await sallyport(['shim', 'run', '--config', file])
    expect(code).toBe(1)
    expect(err).toContain('the sealed totp of technician mallory@example.org does not open')
  })
})
