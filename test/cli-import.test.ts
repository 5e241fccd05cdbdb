import { execFile } from 'node:child_process'
import { once } from 'node:events'
import {
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { loginApplication } from '@sallyport/core'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { makeDirectory, sallyport, sallyportJson, startSallyport } from './support/cli.ts'
import { openInstallation } from './support/installation.ts'

const run = promisify(execFile)
const root = fileURLToPath(new URL('..', import.meta.url))
const directory = makeDirectory()
const pristine = join(directory.path, 'pristine')
const data = join(directory.path, 'data')
const file = join(directory.path, 'users.csv')
const report = join(directory.path, 'refused.csv')

const secrets = {
  hash: '$2a$10$WvvTPHKwdBJ3uk0Z37EMR.hLA2W6N9AEBhEgrAOljy2Ae5MtaSIUi',
  seed: 'GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ',
  weak: 'JBSWY3DPEHPK3PXP',
  misplaced: 'MFRGGZDFMZTWQ2LKNNWG23TPOBYXE43U',
  unknown: '$6$saltsalt$qFmFH.bQmmtXzyBY0s9v7Oicd2z4XSIecDzlB5KiA2/jctKu9YterLp8wwnSq',
}
const header = 'email,role,extension,password_hash,totp'
const good = [
  `ada@example.org,admin,1001,${secrets.hash},${secrets.seed}`,
  `bob@example.org,,,,${secrets.weak}`,
]
const bad = [
  `ADA@example.org,user,,,`,
  `eve@example.org,user,,${secrets.unknown},`,
  `=cmd|'/C calc'!A0@example.org,super user,,${secrets.misplaced},${secrets.hash}`,
  `"mallory@example.org,user,,"x,`,
]

function put(rows: readonly string[], path = file): string {
  writeFileSync(path, `${rows.join('\n')}\n`)
  return path
}

function makeFolder(name: string): string {
  const path = join(directory.path, name)
  mkdirSync(path)
  return path
}

const importing = (...more: string[]) => sallyport(['import', 'users', '--data', data, ...more])
const users = async () => (await sallyportJson<{ users: unknown[] }>(['user', 'list', '--data', data])).users

beforeAll(async () => {
  const words = ['user', 'create', '--data', pristine, '--email', 'first@b.org', '--role', 'admin']
  await sallyport([...words, '--password-stdin'], { input: 'correct horse battery' })
})
beforeEach(() => {
  rmSync(data, { recursive: true, force: true })
  cpSync(pristine, data, { recursive: true })
})
afterAll(() => directory.remove())

describe('sallyport import users', () => {
  it('says of every row what is wrong with it, and writes nothing', async () => {
    const { code, out } = await importing(put([header, ...good, ...bad]), '--report', report)
    expect(code).toBe(1)
    expect(out).toMatch(/^LINE +KIND +FIELD +REASON$/m)
    expect(out).toMatch(/^3 +warning +totp +the seed has 80 bits/m)
    expect(out).toMatch(/^4 +refused +email +the user of line 2 has this name$/m)
    expect(out).toMatch(/^5 +refused +password_hash +the password hash cannot be used/m)
    expect(out).toMatch(/^7 +refused +– +has something between a closing quote and the comma$/m)
    expect(out).toContain('users.csv: 6 rows, 2 ready to be imported, 0 existing already, 4 refused\n')
    expect(out).toContain('nothing was written')
    expect(await users()).toHaveLength(1)

    const lines = readFileSync(report, 'utf8').split('\r\n')
    expect(lines[0]).toBe('line,email,reason')
    expect(lines).toContain('4,"ADA@example.org","email: the user of line 2 has this name"')
    // a spreadsheet takes what begins with = for a formula
    expect(lines.filter((line) => line.startsWith('6,')).length).toBeGreaterThan(1)
    expect(lines.join()).not.toContain(',"=')
    expect(statSync(report).mode & 0o777).toBe(0o600)
  })

  it('writes the rows that are fit, and when it is run again leaves them', async () => {
    const first = await importing(put([header, ...good, ...bad]), '--apply')
    expect(first.code).toBe(1)
    expect(first.out).toContain('2 imported, 0 existing already, 4 refused')
    expect(await users()).toHaveLength(3)
    const again = await importing(put([header, ...good]), '--apply')
    expect(again.code).toBe(0)
    expect(again.out).toMatch(/^2 +existing +– +exists already$/m)
    expect(again.out).toContain('0 imported, 2 existing already, none refused')
    expect(await users()).toHaveLength(3)
    const strict = await importing(file, '--apply', '--strict', '--json')
    expect(strict.code).toBe(1)
    expect(JSON.parse(strict.out)).toMatchObject({ applied: false, imported: 0, existing: 2 })
  })

  it('writes all or nothing when it is told to', async () => {
    const refused = await importing(put([header, ...good, bad[0]!]), '--apply', '--strict', '--json')
    expect({ code: refused.code, ...JSON.parse(refused.out) }).toMatchObject({
      ...{ code: 1, applied: false, rows: 3, imported: 0, ready: 2, refused: 1, findings_left_off: 0 },
      findings: [
        { line: 3, kind: 'warning', field: 'totp' },
        { line: 4, kind: 'refused', field: 'email' },
      ],
    })
    expect(await users()).toHaveLength(1)
    const whole = await importing(put([header, ...good]), '--apply', '--strict', '--json')
    expect({ code: whole.code, ...JSON.parse(whole.out) }).toMatchObject({
      code: 0,
      applied: true,
      imported: 2,
    })
  })

  it('never lets a hash or a seed out of the vault', async () => {
    const rows = [header, ...good, ...bad]
    const said: string[] = []
    const headless = join(directory.path, 'headless.csv')
    const lines = join(directory.path, 'users.jsonl')
    writeFileSync(
      lines,
      `{"email":"x@y.org","totp":"${secrets.seed}",\n["${secrets.hash}"]\n{"${secrets.seed}":1}\n`,
    )
    for (const words of [
      [put(rows), '--report', report],
      [file, '--json'],
      [file, '--apply', '--report', report],
      [file, '--apply', '--json'],
      [put(rows.slice(1), headless)],
      [put([`email,${secrets.hash}`, ...good], headless)],
      [lines],
    ]) {
      const { out, err } = await importing(...words)
      said.push(out, err)
    }
    const { out } = await sallyport(['ledger', 'export', '--data', data])
    said.push(out, readFileSync(report, 'utf8'))
    for (const name of readdirSync(data)) {
      if (name.startsWith('sallyport.db')) said.push(readFileSync(join(data, name), 'latin1'))
    }
    expect(out).toContain('"type":"subject.imported"')
    for (const [name, secret] of Object.entries(secrets)) expect(said.join('\n'), name).not.toContain(secret)
  })

  it.each([
    ['no such file', join(directory.path, 'nothing.csv'), /cannot be read \(ENOENT\)/],
    ['a directory', makeFolder('folder.csv'), /is no file/],
    ['another kind of file', join(directory.path, 'users.xlsx'), /its name must end in \.csv/],
  ])('refuses %s by its name', async (_, path, message) => {
    const { code, err } = await importing(path)
    expect(code).toBe(1)
    expect(err).toContain(path)
    expect(err).toMatch(message)
  })

  it('does not write its report over the file, nor anything into a place that holds no installation', async () => {
    put([header, ...good])
    const over = await importing(file, '--report', join(directory.path, '.', 'users.csv'))
    expect(over).toMatchObject({ code: 1, err: expect.stringContaining('is the file that is imported') })
    expect(readFileSync(file, 'utf8')).toContain('ada@example.org')
    const nowhere = join(directory.path, 'nowhere')
    expect(await sallyport(['import', 'users', file, '--data', nowhere])).toMatchObject({ code: 1 })
    expect(existsSync(nowhere)).toBe(false)
  })

  it('goes on after it was killed, without a user twice', async () => {
    const count = 3_000
    const rows = Array.from(
      { length: count },
      (_, at) => `user.${at}@many.org,user,ext ${at},${secrets.hash},`,
    )
    put([header, ...rows])
    const child = startSallyport(['import', 'users', file, '--data', data, '--apply'])
    const installation = await openInstallation(data)
    const there = () => installation.store.read((tx) => tx.subjects.count(loginApplication))
    while ((await there()) < 400) await new Promise((resolve) => setTimeout(resolve, 20))
    child.kill('SIGKILL')
    await once(child, 'close')
    const before = (await there()) - 1
    expect(before).toBeLessThan(count)
    expect(before % 200).toBe(0)
    const outcome = await sallyportJson(['import', 'users', file, '--data', data, '--apply'])
    expect(outcome).toMatchObject({ imported: count - before, existing: before, refused: 0 })
    expect(await there()).toBe(count + 1)
    const imported = await installation.store.read((tx) =>
      tx.ledger.entries(0, count * 2, { type: 'subject.imported' }),
    )
    expect(imported).toHaveLength(count)
    await installation.close()
    expect((await sallyport(['ledger', 'verify', '--data', data])).code).toBe(0)
  })

  it('reads a hundred thousand rows in the memory of a few', async () => {
    const company = 'x'.repeat(190)
    const rows = Array.from(
      { length: 100_000 },
      (_, at) => `u${at}@many.org,${company},x${at},${secrets.hash}`,
    )
    put(['email,company,extension,password_hash', ...rows])
    expect(statSync(file).size).toBeGreaterThan(25 << 20)
    const env = { NODE_OPTIONS: '--max-old-space-size=64' }
    const { code, out } = await sallyport(['import', 'users', file, '--data', data, '--json'], { env })
    expect({ code, ...JSON.parse(out) }).toMatchObject({ code: 0, rows: 100_000, ready: 100_000 })
  }, 60_000)

  it('does what docs/import-users.md says', async () => {
    const text = readFileSync(join(root, 'docs/import-users.md'), 'utf8')
    const main = join(root, 'cli/src/main.ts')
    const blocks = [...text.matchAll(/^```(sh|text)\n(.*?)^```$/gms)].map(([, kind, body]) => ({
      kind,
      body,
    }))
    expect(blocks.map(({ kind }) => kind)).toEqual(['sh', 'sh', 'text', 'sh', 'text', 'sh', 'sh'])
    const env = { ...process.env, SALLYPORT_DATA: data }
    let out = ''
    for (const { kind, body } of blocks) {
      if (kind === 'text') expect(out).toBe(body)
      else {
        const script = body!.replaceAll('npx sallyport', `'${process.execPath}' '${main}'`)
        const ran = await run('bash', ['-c', script], { cwd: directory.path, env }).catch((error) => error)
        out = ran.stdout
        expect(ran.code ?? 0, ran.stderr).toBe(body!.includes('--report') ? 1 : 0)
      }
    }
    expect(await users()).toHaveLength(4)
    expect(existsSync(file)).toBe(false)
  })
})
