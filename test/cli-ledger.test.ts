import { execFileSync } from 'node:child_process'
import { copyFileSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { createLedgerReader, exportLedger } from '@sallyport/core'
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest'
import { verifyCommand } from '../cli/src/commands/ledger.ts'
import { withGateLedger } from '../cli/src/shim/gate-ledger.ts'
import { makeDirectory, sallyport, sallyportJson } from './support/cli.ts'
import { type Installation, openInstallation, seededIntegers } from './support/installation.ts'

// A process each, on whatever machine this is.
vi.setConfig({ testTimeout: 120_000 })

const directory = makeDirectory()
const data = join(directory.path, 'data')
const file = (name: string) => join(directory.path, name)
const publicKey = join(data, 'ledger.pub')
const seed = 20_261_121

let installation: Installation
/** A whole export, and the checkpoint that was kept at its middle. */
let whole: Buffer
const kept = file('kept.json')

async function record(count: number): Promise<void> {
  for (let n = 0; n < count; n++) {
    await installation.store.transaction(async (tx) =>
      tx.ledger.append({ type: 'test.happened', at: installation.clock.now(), actor: 'test', data: { n } }),
    )
  }
}

function write(name: string, bytes: Uint8Array | string): string {
  writeFileSync(file(name), bytes)
  return file(name)
}

/** The command's own function in this process, for the hundreds of times a process each would take too long. */
async function verify(path: string, more: { checkpoint?: string[]; publicKey?: string } = {}) {
  const written: string[] = []
  const stdout = vi.spyOn(process.stdout, 'write').mockImplementation((chunk) => {
    written.push(String(chunk))
    return true
  })
  const before = process.exitCode
  process.exitCode = 0
  try {
    await verifyCommand(path, { json: true, publicKey, ...more }, withGateLedger)
    return { code: process.exitCode, ...JSON.parse(written.join('')) }
  } finally {
    process.exitCode = before
    stdout.mockRestore()
  }
}

beforeAll(async () => {
  installation = await openInstallation(data)
  await record(20)
  writeFileSync(kept, (await sallyport(['ledger', 'checkpoint', '--data', data])).out)
  await installation.store.transaction((tx) => tx.ledger.keepCheckpoint())
  await record(20)
  await sallyport(['ledger', 'export', '--data', data, '--out', file('whole.jsonl')])
  whole = readFileSync(file('whole.jsonl'))
})

afterAll(async () => {
  await installation.close()
  directory.remove()
})

afterEach(() => {
  process.exitCode = undefined
})

describe('ledger verify', () => {
  it('finds the stored ledger and its export clean, with the key and the checkpoint given or not', async () => {
    const stored = await sallyport(['ledger', 'verify', '--data', data, '--checkpoint', kept])
    expect(stored).toEqual({ code: 0, out: 'clean: 40 entries, 1 to 40, signed to the end\n', err: '' })
    const believed = await sallyport(['ledger', 'verify', file('whole.jsonl')])
    expect(believed.code).toBe(0)
    expect(believed.out).toContain('The public key was taken from the export itself')
    const given = ['--public-key', publicKey, '--checkpoint', kept, '--json']
    const { code, out } = await sallyport(['ledger', 'verify', file('whole.jsonl'), ...given])
    expect(code).toBe(0)
    expect(JSON.parse(out)).toMatchObject({
      status: 'clean',
      key_from: 'given',
      entries: 40,
      signed_through: 40,
      first_bad: null,
    })
  })

  it('needs no installation for an export', async () => {
    const elsewhere = makeDirectory()
    copyFileSync(file('whole.jsonl'), join(elsewhere.path, 'ledger.jsonl'))
    expect(await sallyport(['ledger', 'verify', 'ledger.jsonl'], { cwd: elsewhere.path })).toMatchObject({
      code: 0,
    })
    expect(execFileSync('ls', [elsewhere.path], { encoding: 'utf8' })).toBe('ledger.jsonl\n')
    elsewhere.remove()
  })

  it.each<[string, (lines: string[]) => string[], number]>([
    ['a flipped value', (lines) => lines.with(7, lines[7]!.replace('"n":6', '"n":9')), 7],
    ['a dropped entry', (lines) => lines.toSpliced(10, 1), 10],
    ['two entries swapped', (lines) => lines.with(5, lines[6]!).with(6, lines[5]!), 5],
    ['an entry twice', (lines) => lines.toSpliced(9, 0, lines[8]!), 9],
    [
      'another ledger',
      (lines) => lines.map((line) => line.replaceAll(/"ledger":"[^"]+"/g, '"ledger":"x"')),
      1,
    ],
  ])('names the first entry that is wrong: %s', async (name, alter, seq) => {
    const lines = whole.toString().split('\n')
    const path = write(`${name}.jsonl`, alter(lines).join('\n'))
    const { code, out } = await sallyport(['ledger', 'verify', path, '--public-key', publicKey])
    expect(code).toBe(1)
    expect(out).toMatch(new RegExp(`^tampered: entry ${seq} \\(line \\d+\\): .`))
  })

  it('calls an export cut below a checkpoint tampered, and above it incomplete', async () => {
    const lines = whole.toString().split('\n')
    const below = write('below.jsonl', `${lines.slice(0, 15).join('\n')}\n`)
    const above = write('above.jsonl', `${lines.slice(0, 30).join('\n')}\n`)
    const given = ['--public-key', publicKey, '--checkpoint', kept]
    const tampered = await sallyport(['ledger', 'verify', below, ...given])
    expect(tampered).toMatchObject({ code: 1, out: expect.stringMatching(/^tampered: entry 15/) })
    const incomplete = await sallyport(['ledger', 'verify', above, ...given])
    expect(incomplete).toMatchObject({ code: 1, out: expect.stringMatching(/^incomplete: 28 entries/) })
    expect(incomplete.out).not.toContain('tampered')
  })

  it('refuses the ledger of whoever made a key of his own', async () => {
    const other = makeDirectory()
    const theirs = await openInstallation(join(other.path, 'data'))
    await theirs.store.transaction(async (tx) => tx.ledger.append({ type: 'test.forged', at: 1 }))
    await theirs.close()
    const path = join(other.path, 'forged.jsonl')
    await sallyport(['ledger', 'export', '--data', join(other.path, 'data'), '--out', path])
    const { code, out } = await sallyport(['ledger', 'verify', path, '--public-key', publicKey])
    expect({ code, out }).toEqual({ code: 1, out: expect.stringContaining('tampered') })
    other.remove()
  })

  it('finds what was changed in the database itself', async () => {
    const other = makeDirectory()
    const path = join(other.path, 'data')
    await sallyport(['apikey', 'create', '--data', path, '--name', 'one', '--scope', 'admin'])
    await sallyport(['apikey', 'create', '--data', path, '--name', 'two', '--scope', 'admin'])
    const database = new DatabaseSync(join(path, 'sallyport.db'))
    database.exec(`UPDATE ledger SET body = replace(body, '"cli"', '"bob"') WHERE seq = 1`)
    database.close()
    const { code, out } = await sallyport(['ledger', 'verify', '--data', path])
    expect({ code, out }).toEqual({ code: 1, out: expect.stringMatching(/^tampered: entry 1 /) })
    expect((await sallyport(['doctor', '--data', path])).out).toMatch(/^failed {3}ledger/m)
    other.remove()
  })

  it('says of a ledger without an entry that there is none', async () => {
    const other = makeDirectory()
    await (await openInstallation(join(other.path, 'data'))).close()
    const { code, out } = await sallyport(['ledger', 'verify', '--data', join(other.path, 'data')])
    expect({ code, out }).toEqual({ code: 1, out: 'incomplete: there is no entry, and so no signed end\n' })
    expect(await sallyport(['ledger', 'checkpoint', '--data', join(other.path, 'data')])).toMatchObject({
      code: 1,
      err: expect.stringContaining('the ledger is empty'),
    })
    other.remove()
  })

  it.each([
    ['a file that is not there', ['gone.jsonl']],
    ['a directory', ['.']],
    ['a key that is none', ['whole.jsonl', '--public-key', 'whole.jsonl']],
    ['a checkpoint that is none', ['whole.jsonl', '--checkpoint', 'whole.jsonl']],
    ['a checkpoint that is not there', ['whole.jsonl', '--checkpoint', 'gone.json']],
  ])('names %s', async (_, words) => {
    const { code, out, err } = await sallyport(['ledger', 'verify', ...words], { cwd: directory.path })
    expect({ code, out }).toEqual({ code: 1, out: '' })
    expect(err).toMatch(/^error \(invalid_input\): (gone|whole|\.).*: .*\n$/)
  })

  it('takes any text for an export, and finds fault with it', async () => {
    for (const [name, bytes] of [
      ['empty', ''],
      ['noise', Buffer.from(Array.from({ length: 5_000 }, (_, n) => (n * 7919) % 256))],
      ['one long line', 'x'.repeat(3 << 20)],
      ['other JSON', '{"a":1}\n{"b":2}\n'],
    ] as const) {
      expect((await verify(write(`${name}.jsonl`, bytes))).code, name).toBe(1)
    }
  })
})

describe(`ledger verify, by the hundreds (seed ${seed})`, () => {
  const below = seededIntegers(seed)

  /** One change of a kind drawn at random, which leaves other bytes than before. */
  function mutate(): Buffer {
    const lines = whole.toString().trimEnd().split('\n')
    const last = lines.length - 1
    const at = 1 + below(last - 1)
    switch (below(5)) {
      case 0: {
        // Not the last line feed: without that alone, the end is missing and nothing is altered.
        const position = below(whole.length - 1)
        const bytes = Buffer.from(whole)
        bytes[position]! ^= 1 + below(255)
        return bytes
      }
      case 1:
        return text(lines.toSpliced(at, 1))
      case 2:
        return text(lines.with(at, lines[at + 1]!).with(at + 1, lines[at]!))
      case 3:
        return text(lines.toSpliced(at, 0, lines[below(lines.length)]!))
      default:
        // Cut below the kept checkpoint, which says that there was more.
        return whole.subarray(0, below(whole.indexOf('"seq":20,')))
    }
  }

  const text = (lines: string[]) => Buffer.from(`${lines.join('\n')}\n`)

  it('finds 500 of 500 mutations, and names an entry each time', async () => {
    const missed: string[] = []
    for (let n = 0; n < 500; n++) {
      const path = write('mutated.jsonl', mutate())
      const { code, status, first_bad: bad } = await verify(path, { checkpoint: [kept] })
      if (code === 1 && status === 'tampered' && bad.seq > 0) continue
      missed.push(`mutation ${n}: ${code} ${status}`)
      copyFileSync(path, file(`missed-${n}.jsonl`))
    }
    expect(missed).toEqual([])
  }, 120_000)

  it('calls 100 of 100 untouched exports clean', async () => {
    for (let n = 0; n < 100; n++) {
      await record(1)
      const path = file('clean.jsonl')
      await exportInProcess(path)
      expect(await verify(path, { checkpoint: [kept] })).toMatchObject({ code: 0, status: 'clean' })
    }
  }, 120_000)

  it('calls 100 of 100 torn tails incomplete, and never tampered', async () => {
    const header = whole.indexOf('\n') + 1
    for (let n = 0; n < 100; n++) {
      const path = write('torn.jsonl', whole.subarray(0, header + below(whole.length - header)))
      expect(await verify(path)).toMatchObject({ code: 1, status: 'incomplete', first_bad: null })
    }
  }, 120_000)

  it('says the same through processes of their own', async () => {
    for (let n = 0; n < 8; n++) {
      const mutated = write('mutated.jsonl', mutate())
      const words = ['ledger', 'verify', mutated, '--public-key', publicKey, '--checkpoint', kept]
      expect((await sallyport(words)).out).toMatch(/^tampered: entry \d+/)
      const torn = write('torn.jsonl', whole.subarray(0, whole.length - 1 - below(2_000)))
      expect((await sallyport(['ledger', 'verify', torn, '--public-key', publicKey])).out).toMatch(
        /^incomplete/,
      )
    }
  }, 120_000)

  async function exportInProcess(path: string): Promise<void> {
    const { store, ledger } = installation
    const { publicKeyPem, id: ledgerId } = ledger
    const lines: string[] = []
    const options = { ledger: createLedgerReader(store), ledgerId, publicKeyPem }
    for await (const line of exportLedger(options)) lines.push(line)
    writeFileSync(path, lines.join(''))
  }
})

describe('ledger export', () => {
  it('writes for its owner alone, or to standard output', async () => {
    const path = file('export.jsonl')
    expect(await sallyport(['ledger', 'export', '--data', data, '--out', path])).toEqual({
      code: 0,
      out: `wrote ${path}\n`,
      err: '',
    })
    expect(execFileSync('stat', ['-c', '%a', path], { encoding: 'utf8' })).toBe('600\n')
    const { out } = await sallyport(['ledger', 'export', '--data', data])
    expect(out).toBe(readFileSync(path, 'utf8'))
    expect(await sallyportJson(['ledger', 'export', '--data', data, '--out', path])).toEqual({ out: path })
  })

  it('names a file that cannot be written', async () => {
    const { code, err } = await sallyport(['ledger', 'export', '--data', data, '--out', '/nowhere/x.jsonl'])
    expect({ code, err }).toEqual({
      code: 1,
      err: 'error (invalid_input): /nowhere/x.jsonl: cannot be written (ENOENT)\n',
    })
  })
})
