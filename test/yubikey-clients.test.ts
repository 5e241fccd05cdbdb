import { execFile } from 'node:child_process'
import { chmodSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { loadConfig } from '../cli/src/config.ts'
import type { Foundation } from '../cli/src/foundation.ts'
import { yubikeyValidator } from '../cli/src/yubikey-validator.ts'
import { makeDirectory, type Serving, sallyport, sallyportJson, serve } from './support/cli.ts'
import { logLine, type TestKey, testKey, typed } from './support/yubikey.ts'

// A process each, on whatever machine this is.
vi.setConfig({ testTimeout: 120_000, hookTimeout: 120_000 })

const directory = makeDirectory()
const data = join(directory.path, 'data')
const where = ['--data', data]
const second: TestKey = { ...testKey, publicId: 'dlcfffckrcde', privateId: 'ca62baca62ba' }

let serving: Serving
let client: { id: string; key: string }

function write(name: string, text: string): string {
  const path = join(directory.path, name)
  writeFileSync(path, text)
  return path
}

beforeAll(async () => {
  const log = write('log.csv', `# ykksm 1\n${logLine(testKey)}\n`)
  await sallyportJson(['yubikey', 'import', log, '--apply', ...where])
  client = await sallyportJson(['yubikey', 'client', 'add', '--name', 'VPN', ...where])
  serving = await serve(['--port', '0', ...where])
})

afterAll(async () => {
  await serving?.stop()
  directory.remove()
})

describe("other people's clients", () => {
  const program = `
import sys
from base64 import b64decode
from yubiotp.client import YubiClient20
url, id, key, *otps = sys.argv[1:]
client = YubiClient20(id, b64decode(key), timestamp=True, sl='secure', timeout=8)
client.base_url = url
for otp in otps:
    answer = client.verify(otp)
    print(answer.status(), answer.is_ok())
`
  const python = async (key: string, otps: string[]) => {
    const words = ['-c', program, `${serving.url}/wsapi/2.0/verify`, client.id, key, ...otps]
    const { stdout } = await promisify(execFile)('/usr/bin/python3', words)
    return stdout.trim().split('\n')
  }

  it('python-yubiotp', async () => {
    const [first, next] = (await typed(testKey, [1, 0], [1, 1])) as [string, string]
    const [foreign] = (await typed({ ...testKey, aesKey: '00'.repeat(16) }, [9, 9])) as [string]
    expect(await python(client.key, [first, first, next, foreign])).toEqual([
      'OK True',
      'REPLAYED_OTP False',
      'OK True',
      'BAD_OTP False',
    ])
    expect(await python(Buffer.from('another key').toString('base64'), [first])).toEqual([
      'BAD_SIGNATURE False',
    ])
  })

  // A PAM service is a file that only root can write.
  it.runIf(process.getuid?.() === 0)('pam_yubico', async () => {
    const service = `sallyport-test-${process.pid}`
    const users = write('users', `root:${testKey.publicId}\n`)
    chmodSync(directory.path, 0o755)
    const options = `id=${client.id} key=${client.key} urllist=${serving.url}/wsapi/2.0/verify authfile=${users}`
    writeFileSync(`/etc/pam.d/${service}`, `auth required /lib/security/pam_yubico.so ${options}\n`)
    try {
      const [good, foreign] = [
        (await typed(testKey, [3, 0]))[0]!,
        (await typed({ ...testKey, aesKey: '00'.repeat(16) }, [9, 9]))[0]!,
      ]
      const signIn = (otp: string) => {
        const running = promisify(execFile)('pamtester', [service, 'root', 'authenticate'])
        running.child.stdin!.on('error', () => undefined).end(`${otp}\n`)
        return running.then(
          ({ stdout }) => stdout,
          ({ stdout, stderr }) => stdout + stderr,
        )
      }
      expect(await signIn(good)).toContain('successfully authenticated')
      expect(await signIn(good)).not.toContain('successfully authenticated')
      expect(await signIn(foreign)).not.toContain('successfully authenticated')
    } finally {
      rmSync(`/etc/pam.d/${service}`)
    }
  })
})

describe('sallyport yubikey', () => {
  it('imports a log: first what it would do, then that, and says of every row why not', async () => {
    const broken = logLine(second).replace('ca62baca62ba', 'ca62')
    const log = write(
      'more.csv',
      [logLine(testKey), logLine(second), broken, logLine(second), ''].join('\r\n'),
    )
    const findings = [
      { line: 3, kind: 'refused', reason: 'has a private id that is not 12 hexadecimal digits' },
      { line: 4, kind: 'refused', reason: 'has the public id of line 2' },
      { line: 1, kind: 'existing', reason: 'a key with this public id is here' },
    ]
    const counts = { rows: 4, existing: 1, refused: 2, findings, findings_left_off: 0 }
    const dry = await sallyport(['yubikey', 'import', log, ...where, '--json'])
    expect([dry.code, JSON.parse(dry.out)]).toEqual([1, { applied: false, imported: 0, ready: 1, ...counts }])
    expect((await sallyportJson<{ keys: unknown[] }>(['yubikey', 'list', ...where])).keys).toHaveLength(1)
    const applied = await sallyport(['yubikey', 'import', log, '--apply', ...where, '--json'])
    expect(JSON.parse(applied.out)).toEqual({ applied: true, imported: 1, ready: 0, ...counts })
    const again = await sallyport(['yubikey', 'import', log, '--apply', ...where])
    expect(again.out).toContain('4 rows, 0 imported, 2 existing already, 2 refused')
    expect(again.out + again.err).not.toContain(testKey.aesKey)
    expect((await sallyportJson<{ keys: unknown[] }>(['yubikey', 'list', ...where])).keys).toEqual([
      { public_id: testKey.publicId, serial: '4711', imported_at: expect.any(String) },
      { public_id: second.publicId, serial: '4711', imported_at: expect.any(String) },
    ])
  })

  it('removes a key and a client, each at once for the server that runs', async () => {
    const ask = async (id: string) => {
      const answer = await fetch(`${serving.url}/wsapi/2.0/verify?id=${id}`)
      return /status=(\w+)/.exec(await answer.text())![1]
    }
    const made = await sallyportJson<{ id: string }>(['yubikey', 'client', 'add', '--name', 'SSH', ...where])
    const { clients } = await sallyportJson<{ clients: { id: string }[] }>([
      'yubikey',
      'client',
      'list',
      ...where,
    ])
    expect(clients.map(({ id }) => id).sort()).toEqual([client.id, made.id].sort())
    expect(JSON.stringify(clients)).not.toContain('key')
    expect(await ask(made.id)).toBe('MISSING_PARAMETER')
    expect((await sallyport(['yubikey', 'client', 'remove', made.id, ...where])).code).toBe(0)
    expect(await ask(made.id)).toBe('NO_SUCH_CLIENT')
    expect((await sallyport(['yubikey', 'remove', second.publicId, ...where])).code).toBe(0)
    for (const words of [
      ['client', 'remove', made.id],
      ['remove', second.publicId],
      ['import', '/nowhere'],
      ['import', directory.path],
    ]) {
      const { code, err } = await sallyport(['yubikey', ...words, ...where])
      expect([code, err], words.join(' ')).toEqual([
        1,
        expect.stringMatching(/^error \((not_found|invalid_input)\): /),
      ])
    }
  })

  it.each([
    [{ client_id: 42 }, 'api_key: YubiCloud needs it'],
    [{ client_id: 42, api_key: '' }, 'api_key: must be a key in base64'],
    [{ client_id: 42, api_key: 'a'.repeat(28), api_key_file: 'x' }, 'api_key: name either'],
    [{ validator: 'yubicloud', api_key: 'a'.repeat(28) }, 'client_id: YubiCloud needs it'],
    [{ client_id: 'x' }, 'client_id: must be a number'],
    [{ urls: [] }, 'urls: must have at least 1 entry'],
    [{ timeout: '10m' }, 'timeout: must be from 100ms to 60s'],
  ])('is refused with the configuration %j', (yubikey, reason) => {
    const file = write('faulty.yaml', JSON.stringify({ security: { mfa: { yubikey } } }))
    const validator = () => yubikeyValidator({ config: loadConfig({ file, environment: {} }) } as Foundation)
    expect(validator).toThrow(`security.mfa.yubikey.${reason}`)
  })

  it('answers that YubiKeys are off where they are', async () => {
    const file = write('off.yaml', JSON.stringify({ security: { mfa: { yubikey: { enabled: false } } } }))
    const { key } = await sallyportJson<{ key: string }>([
      'apikey',
      'create',
      '--name',
      'x',
      '--scope',
      'mfa:write',
      '--app',
      'pbx',
      ...where,
    ])
    const off = await serve(['--config', file, '--port', '0', ...where])
    try {
      const [otp] = await typed(testKey, [100, 0])
      const answer = await fetch(`${off.url}/api/mfa/enroll-yubikey`, {
        method: 'POST',
        headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json' },
        body: JSON.stringify({ extension: '1', otp, device_name: 'x' }),
      })
      expect(await answer.json()).toMatchObject({ status: 403, code: 'forbidden' })
    } finally {
      await off.stop()
    }
  })
})
