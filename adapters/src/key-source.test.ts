import { execFileSync } from 'node:child_process'
import { pbkdf2Sync } from 'node:crypto'
import {
  chmodSync,
  chownSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { inspect } from 'node:util'
import { SallyportError, type Store, systemRandom, type Tx } from '@sallyport/core'
import { beforeEach, describe, expect, it } from 'vitest'
import { readKeyCommand } from './key-command.ts'
import { createKeyFile, readKeyFile } from './key-file.ts'
import { readMasterKey } from './key-source.ts'

let directory: string
let path: string
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'key-source-'))
  path = join(directory, 'vault.key')
})

const KEY = Buffer.from(Array.from({ length: 32 }, (_, i) => i * 8))
const CANARY = 'cAnArYcAnArYcAnArY'

/** Only what the passphrase source asks of a store: settings that are written once. */
function settingsStore(settings = new Map<string, string>()): Store {
  const port = {
    find: async (name: string) => settings.get(name) ?? null,
    async insert(name: string, value: string) {
      if (settings.has(name)) return false
      settings.set(name, value)
      return true
    },
  }
  const run = <T>(work: (tx: Tx) => Promise<T>) => work({ settings: port } as unknown as Tx)
  return { transaction: run, read: run } as Store
}

function writeKey(text: string, mode = 0o600): void {
  writeFileSync(path, text)
  chmodSync(path, mode)
}

async function refusal(promise: Promise<unknown>): Promise<SallyportError> {
  const error = await promise.then(
    () => expect.unreachable('must be refused'),
    (thrown: unknown) => thrown,
  )
  expect(error).toBeInstanceOf(SallyportError)
  expect((error as SallyportError).code).toBe('vault_key_unreadable')
  expect(inspect(error, { depth: 9, showHidden: true })).not.toContain(CANARY)
  return error as SallyportError
}

describe('a key file', () => {
  it('is made once, for its owner alone, and read back', async () => {
    expect(await createKeyFile(path)).toBe(true)
    expect(statSync(path).mode & 0o7777).toBe(0o600)
    const text = readFileSync(path, 'utf8')
    expect(await createKeyFile(path)).toBe(false)
    expect(readFileSync(path, 'utf8')).toBe(text)
    expect((await readKeyFile(path)).toString('base64')).toBe(text.trim())
    expect(readdirSync(directory)).toEqual(['vault.key'])
  })

  it('is made by exactly one of many nodes, and never seen half-written', async () => {
    const made = await Promise.all(
      Array.from({ length: 20 }, async () => {
        const mine = await createKeyFile(path)
        return { mine, key: (await readKeyFile(path)).toString('hex') }
      }),
    )
    expect(made.filter(({ mine }) => mine)).toHaveLength(1)
    expect(new Set(made.map(({ key }) => key)).size).toBe(1)
    expect(readdirSync(directory)).toEqual(['vault.key'])
  })

  it('says so when it cannot be made', async () => {
    const error = await refusal(createKeyFile(join(directory, 'nowhere', 'vault.key')))
    expect(error.message).toContain('ENOENT')
  })

  it.each([
    ['base64', KEY.toString('base64')],
    ['base64url', KEY.toString('base64url')],
    ['hex', KEY.toString('hex')],
    ['hex in capitals', KEY.toString('hex').toUpperCase()],
    ['white space around it', `\n  ${KEY.toString('base64')}\r\n`],
  ])('is read in %s', async (_, text) => {
    writeKey(text)
    expect(await readKeyFile(path)).toEqual(KEY)
  })

  it.each([
    ['nothing', ''],
    ['a word', CANARY],
    ['a key too short', KEY.subarray(1).toString('base64')],
    ['a key too long', Buffer.alloc(33, 1).toString('base64')],
    ['hex with one digit missing', KEY.toString('hex').slice(1)],
    ['two keys', `${KEY.toString('hex')}\n${KEY.toString('hex')}`],
    ['raw bytes', KEY.toString('latin1')],
    ['a megabyte', CANARY.repeat(60_000)],
    ['a key and then a megabyte of white space', KEY.toString('hex') + ' '.repeat(1_000_000)],
  ])('is refused when it holds %s', async (_, text) => {
    writeKey(text)
    const error = await refusal(readKeyFile(path))
    expect(error.message).toContain('32 bytes in base64 or hex')
  })

  it.each([0o640, 0o604, 0o620, 0o666, 0o610, 0o700, 0o4600, 0o1600])(
    'is refused with mode %o',
    async (mode) => {
      writeKey(KEY.toString('base64'), mode)
      expect((await refusal(readKeyFile(path))).message).toContain(`chmod 600 ${path}`)
    },
  )

  it.each([0o600, 0o400])('is read with mode %o', async (mode) => {
    writeKey(KEY.toString('base64'), mode)
    expect(await readKeyFile(path)).toEqual(KEY)
  })

  it('is judged by what a link points to', async () => {
    writeKey(KEY.toString('base64'), 0o644)
    symlinkSync(path, join(directory, 'link'))
    await refusal(readKeyFile(join(directory, 'link')))
    chmodSync(path, 0o600)
    expect(await readKeyFile(join(directory, 'link'))).toEqual(KEY)
  })

  it.runIf(process.geteuid?.() === 0)('is refused when it belongs to somebody else', async () => {
    writeKey(KEY.toString('base64'))
    chownSync(path, 12345, 12345)
    expect((await refusal(readKeyFile(path))).message).toContain('chown')
  })

  it('is refused when it is missing, a directory or a named pipe', async () => {
    expect((await refusal(readKeyFile(path))).message).toContain('ENOENT')
    expect((await refusal(readKeyFile(directory))).message).toContain('not a regular file')
    execFileSync('mkfifo', ['-m', '600', path])
    expect((await refusal(readKeyFile(path))).message).toContain('not a regular file')
  })
})

describe('a key command', () => {
  const node = (script: string, ...args: string[]) => [process.execPath, '-e', script, ...args]

  it('prints the key', async () => {
    const text = KEY.toString('base64')
    expect(await readKeyCommand(node('console.log(process.argv[1])', text))).toEqual(KEY)
  })

  it('gets its arguments as they are: no shell reads them', async () => {
    const argument = '$(touch pwned); `touch pwned` && "*"'
    const script = `console.log(process.argv[1] === ${JSON.stringify(argument)} ? '${KEY.toString('hex')}' : 'no')`
    expect(await readKeyCommand(node(script, argument))).toEqual(KEY)
  })

  it('finds its input closed', async () => {
    const script = `process.stdin.resume().on('end', () => console.log('${KEY.toString('hex')}'))`
    expect(await readKeyCommand(node(script))).toEqual(KEY)
  })

  it.each([
    ['prints something else', `console.log('${CANARY}')`, 'did not print 32 bytes'],
    ['prints nothing', '', 'did not print 32 bytes'],
    ['prints the key and more', `console.log('${KEY.toString('hex')} ${CANARY}')`, 'did not print 32 bytes'],
    ['prints megabytes', `process.stdout.write('${CANARY}'.repeat(300_000))`, 'more than 4096 bytes'],
    [
      'complains by the megabyte',
      `process.stderr.write('${CANARY}'.repeat(300_000))`,
      'more than 4096 bytes',
    ],
    [
      'fails',
      `console.log('${KEY.toString('hex')}'); console.error('${CANARY}'); process.exit(3)`,
      'status 3',
    ],
    ['is killed', `process.kill(process.pid, 'SIGTERM'); setTimeout(() => {}, 5000)`, 'it was killed'],
  ])('is refused when it %s', async (_, script, reason) => {
    const error = await refusal(readKeyCommand(node(script, CANARY)))
    expect(error.message).toContain(reason)
  })

  it('is killed when it hangs, deaf or with children of its own', async () => {
    const started = performance.now()
    const deaf = `process.on('SIGTERM', () => {}); setInterval(() => {}, 1000)`
    const parent = `require('child_process').spawn('sleep', ['3'], { stdio: 'inherit' }); setInterval(() => {}, 1000)`
    for (const script of [deaf, parent]) {
      const error = await refusal(readKeyCommand(node(script), 400))
      expect(error.message).toContain('did not finish within 0.4 s')
    }
    expect(performance.now() - started).toBeLessThan(2500)
  })

  it('is refused when it is empty or not there', async () => {
    expect((await refusal(readKeyCommand([]))).message).toContain('empty')
    expect((await refusal(readKeyCommand([join(directory, 'none')]))).message).toContain('ENOENT')
  })
})

describe('the master key', () => {
  const random = systemRandom

  it('is stretched from a passphrase with the salt of the database', async () => {
    const store = settingsStore(new Map([['vault.salt', '00112233445566778899aabbccddeeff']]))
    const key = await readMasterKey({ from: 'passphrase', passphrase: 'grüße' }, { store, random })
    const salt = Buffer.from('00112233445566778899aabbccddeeff', 'hex')
    expect(key).toEqual(pbkdf2Sync('grüße', salt, 600_000, 32, 'sha256'))
    // The same letters, spelled with combining marks.
    const passphrase = 'grüße'.normalize('NFD')
    expect(await readMasterKey({ from: 'passphrase', passphrase }, { store, random })).toEqual(key)
  })

  it('is the same for nodes that make the salt at once, and another in another database', async () => {
    const store = settingsStore()
    const source = { from: 'passphrase', passphrase: CANARY } as const
    const [first, second] = await Promise.all([1, 2].map(() => readMasterKey(source, { store, random })))
    expect(first).toEqual(second)
    expect(await readMasterKey(source, { store: settingsStore(), random })).not.toEqual(first)
  })

  it('is refused from an empty passphrase or a damaged salt', async () => {
    const store = settingsStore(new Map([['vault.salt', '']]))
    await refusal(readMasterKey({ from: 'passphrase', passphrase: '' }, { store: settingsStore(), random }))
    const damaged = readMasterKey({ from: 'passphrase', passphrase: CANARY }, { store, random })
    await expect(damaged).rejects.toMatchObject({ code: 'store_damaged' })
  })

  it('comes from a file or a command as well', async () => {
    const store = settingsStore()
    writeKey(KEY.toString('hex'))
    expect(await readMasterKey({ from: 'file', path }, { store, random })).toEqual(KEY)
    expect(await readMasterKey({ from: 'command', command: ['cat', path] }, { store, random })).toEqual(KEY)
  })
})
