import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { SallyportError } from '@sallyport/core'
import { afterAll, describe, expect, it, vi } from 'vitest'
import { configKeys, loadConfig } from '../cli/src/config.ts'
import { readYaml } from '../cli/src/read-yaml.ts'
import { makeDirectory, sallyport, serve } from './support/cli.ts'

// A process each, on whatever machine this is.
vi.setConfig({ testTimeout: 120_000 })

const directory = makeDirectory()
afterAll(() => directory.remove())

const example = new URL('../sallyport.example.yaml', import.meta.url).pathname
/** Prose begins with a capital, so a comment that begins with a key is one that was commented out. */
const uncommented = readFileSync(example, 'utf8').replace(/^( *)# ( *(?:[a-z_]+:|# ))/gm, '$1$2')

function write(text: string): string {
  const file = join(directory.path, 'sallyport.yaml')
  writeFileSync(file, text)
  return file
}

function faultsOf(text: string, environment: Record<string, string> = {}): Record<string, string> {
  try {
    loadConfig({ file: write(text), environment })
    return {}
  } catch (error) {
    if (!(error instanceof SallyportError) || error.code !== 'config_invalid') throw error
    for (const { path, message } of error.faults) expect(error.message).toContain(`${path}: ${message}`)
    return Object.fromEntries(error.faults.map(({ path, message }) => [path, message]))
  }
}

describe('sallyport.example.yaml', () => {
  it('shows every key there is', () => {
    const document = readYaml(write(uncommented))
    for (const { path } of configKeys) expect(document).toHaveProperty(path)
  })

  it('shows no key that there is not, and only values that are allowed', () => {
    expect(faultsOf(uncommented)).toEqual({ vault: 'name one of key_file, passphrase_file and command' })
  })

  it('is what holds without it', () => {
    expect(loadConfig({ file: example, environment: {} })).toEqual(loadConfig({ environment: {} }))
  })

  it('says something of every section', () => {
    for (const [name] of Object.entries(readYaml(write(uncommented)))) {
      expect(readFileSync(example, 'utf8'), name).toMatch(
        new RegExp(`# .*\\.\\n(# )?${name}:|^${name}:\\n( +# .*\\n| +\\w+:\\n)`, 'm'),
      )
    }
  })

  it('starts the product', async () => {
    const { url, stop } = await serve([
      '--config',
      example,
      '--port',
      '0',
      '--data',
      join(directory.path, 'data'),
    ])
    expect((await fetch(`${url}/readyz`)).status).toBe(200)
    expect(await stop()).toBe(0)
  })
})

describe('the configuration', () => {
  it('names the path of every fault in one error', () => {
    const text = `
      listne: {}
      listen: { port: 99999, hots: x }
      totp: { digits: 5, algorithm: MD5, issuer: "" }
      lockout: { within: 60, lock_for: [1m, soon] }
      vault: { key_file: a, passphrase_file: b }
      ledger: { checkpoint_every: 25d, keep: 99999d }
      trusted_proxies: [10.0.0.0/8, nonsense]
      __proto__: { polluted: true }
    `
    expect(faultsOf(text, { SALLYPORT_TOTP_DIGIT: '6', SALLYPORT_TOTP_WINDOW: 'wide' })).toEqual({
      listne: 'unknown key',
      'listen.hots': 'unknown key',
      'listen.port': 'must be at most 65535',
      'totp.algorithm': 'must be one of SHA1, SHA256, SHA512',
      'totp.digits': 'must be at least 6',
      'totp.issuer': 'must be at least 1 characters',
      'totp.window': 'must be a whole number',
      'lockout.within': 'must be text',
      'lockout.lock_for[1]': 'must be a duration such as 60s, 15m, 24h or 30d',
      vault: 'name one of key_file, passphrase_file and command',
      'ledger.checkpoint_every': 'must be from 1s to 24d',
      'ledger.keep': 'must be at most 3650d',
      'trusted_proxies[1]': 'must be an address or a CIDR range',
      ['__proto__']: 'unknown key',
      SALLYPORT_TOTP_DIGIT: 'no such key; see sallyport.example.yaml',
    })
  })

  it.each([
    ['null', 'null'],
    ['true', 'true'],
    ['a list', '[8080]'],
    ['nothing', '""'],
    ['hexadecimal text', '"0x50"'],
    ['a fraction', '80.5'],
    ['less than nothing', '-1'],
  ])('takes no %s for a port', (_, value) => {
    expect(Object.keys(faultsOf(`listen: { port: ${value} }`))).toEqual(['listen.port'])
  })

  it('has one name in the environment for every key', () => {
    const names = configKeys.map(({ path }) => path.join('_').toUpperCase())
    expect(new Set(names).size).toBe(names.length)
    const environment = {
      SALLYPORT_LISTEN_PORT: '1234',
      SALLYPORT_SECURITY_MFA_REQUIRED: 'true',
      SALLYPORT_LOCKOUT_LOCK_FOR: '1s, 2s',
      SALLYPORT_TRUSTED_PROXIES: '10.0.0.0/8',
      SALLYPORT_MAIL_SMTP_HOST: 'mail.example.org',
      HOME: '/root',
    }
    expect(loadConfig({ environment })).toMatchObject({
      listen: { port: 1234 },
      security: { mfa: { required: true } },
      lockout: { lock_for: [1_000, 2_000] },
      trusted_proxies: ['10.0.0.0/8'],
      mail: { smtp: { host: 'mail.example.org', port: 587 } },
    })
  })

  it('takes flags over the environment over the file, key by key', () => {
    const file = write('listen: { host: 127.0.0.2, port: 2 }\ntotp: { issuer: File }\n')
    const environment = { SALLYPORT_LISTEN_HOST: '127.0.0.3', SALLYPORT_LISTEN_PORT: '3' }
    const { listen, totp } = loadConfig({ file, environment, flags: { 'listen.port': '4', data: undefined } })
    expect({ listen, issuer: totp.issuer }).toEqual({
      listen: { host: '127.0.0.3', port: 4 },
      issuer: 'File',
    })
  })

  it('may be empty, and may not be a list, a word, or unreadable', () => {
    expect(loadConfig({ file: write('# nothing\n'), environment: {} })).toEqual(
      loadConfig({ environment: {} }),
    )
    for (const text of ['- a\n', 'word\n', '{"listen": \n', 'a: 1\na: 2\n', '? [a]\n: 1\n']) {
      expect(() => loadConfig({ file: write(text), environment: {} }), text).toThrow(SallyportError)
    }
  })

  it('is refused before anything is made', async () => {
    const words = ['serve', '--config', write('nonsense: 1\n'), '--data', join(directory.path, 'never')]
    expect(await sallyport(words)).toEqual({
      code: 1,
      out: '',
      err: `error (config_invalid): the configuration in ${join(directory.path, 'sallyport.yaml')} cannot be used:\nnonsense: unknown key\n`,
    })
    expect((await sallyport(['user', 'list', '--data', join(directory.path, 'never')])).err).toContain(
      'no installation',
    )
    expect((await sallyport(['serve', '--config', '/nowhere.yaml'])).err).toContain(
      '/nowhere.yaml: cannot be read (ENOENT)',
    )
  })
})
