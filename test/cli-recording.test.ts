import { createPublicKey } from 'node:crypto'
import { cpSync, existsSync, readFileSync, statSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { systemRandom } from '@sallyport/core'
import { createRecorder, openSigningKey, parseAuditorKey } from '@sallyport/gate-serial'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { makeDirectory, sallyport, sallyportJson } from './support/cli.ts'

// A process each, on whatever machine this is.
vi.setConfig({ testTimeout: 120_000, hookTimeout: 120_000 })

const directory = makeDirectory()
const file = (...names: string[]) => join(directory.path, ...names)
const storage = file('shim')
const key = file('auditor.key')
const all256 = Buffer.from(Array.from({ length: 256 }, (_, byte) => byte))
const hostile = '\u001b]0;owned\u0007\u001b[2J\u009b31m\u202eelif'
let sealed = ''
let checkpoint = ''

beforeAll(async () => {
  const made = await sallyportJson<{ public_key: string }>(['recording', 'keygen', '--out', key])
  const recorder = createRecorder({
    dir: join(storage, 'sessions'),
    signingKey: openSigningKey(join(storage, 'state'), systemRandom),
    auditorKeys: [parseAuditorKey(made.public_key)],
    clock: { now: () => Date.now(), monotonic: () => performance.now() },
    random: systemRandom,
    limits: { minFree: 0, maxTotal: Number.MAX_SAFE_INTEGER, retention: null },
  })
  const header = {
    ...{ port: 'service', software: 'test', policy: null, portSettings: {}, clock: {} },
    device: { id: 'empump-12' },
    openedBy: [{ factor: 'totp', detail: { step: 1 } }],
  }
  const one = await recorder.open(
    { ...header, session: 'one', technician: { id: 'alice@example.org' } },
    { mode: 'strict' },
  )
  await one.write('in', Buffer.from('help\r'))
  await one.write('out', Buffer.from(`pressure: 3.2 kPa\r\n${hostile}`))
  checkpoint = file('kept.json')
  writeFileSync(checkpoint, `${JSON.stringify(one.mark())}\n`)
  await one.write('in', all256)
  await one.write('out', all256)
  sealed = (await one.close('technician left')).path
  const two = await recorder.open(
    { ...header, session: 'two', technician: { id: '\u001b[31mmallory' } },
    { mode: 'best-effort' },
  )
  await two.close('idle')
})

afterAll(() => directory.remove())

const recording = (...words: string[]) => sallyport(['recording', ...words])

describe('recording keygen', () => {
  it('writes a private key for its owner alone, prints the public one, and overwrites nothing', async () => {
    expect(statSync(key).mode & 0o777).toBe(0o600)
    expect(createPublicKey(readFileSync(key)).asymmetricKeyType).toBe('x25519')
    const again = await recording('keygen', '--out', key)
    expect(again).toMatchObject({ code: 1, err: expect.stringContaining('already_exists') })
  })
})

describe('recording list and show', () => {
  it('take the storage, its sessions or one file, and show what the recordings say of themselves', async () => {
    for (const path of [storage, join(storage, 'sessions')]) {
      const { recordings } = await sallyportJson<{ recordings: object[] }>(['recording', 'list', path])
      expect(recordings).toHaveLength(2)
      expect(recordings).toContainEqual(
        expect.objectContaining({
          ...{ file: sealed, state: 'closed', session: 'one', technician: 'alice@example.org' },
          ...{ bytes_in: 261, sealed: true, mode: 'strict', reason: 'technician left', gaps: 0 },
        }),
      )
    }
    const { out, code } = await recording('list', storage)
    expect({ code, lines: out.trimEnd().split('\n').length }).toEqual({ code: 0, lines: 3 })
    expect(out).toContain('␛[31mmallory')
    expect(out).not.toContain('\u001b')
    const shown = await sallyportJson(['recording', 'show', sealed])
    expect(shown).toMatchObject({
      session: 'one',
      opened_by: [{ factor: 'totp' }],
      auditors: [expect.any(String)],
    })
    expect((await recording('show', sealed)).out).toMatch(/^technician +alice@example\.org$/m)
  })

  it('say what is wrong with a path', async () => {
    symlinkSync(sealed, file('link.session'))
    for (const [path, why] of [
      [file('gone'), 'ENOENT'],
      [file('link.session'), 'it is a link'],
    ]) {
      for (const command of ['show', 'verify']) {
        const { code, err } = await recording(command, path!)
        expect({ command, code, err }).toEqual({ command, code: 1, err: expect.stringContaining(why!) })
      }
    }
  })
})

describe('recording verify', () => {
  it('needs no private key, finds the public one beside the recordings, and says where it took it from', async () => {
    const found = await recording('verify', sealed, '--checkpoint', checkpoint)
    expect(found).toEqual({ code: 0, out: `clean: ${sealed}: 4 frames, signed to the end\n`, err: '' })
    const elsewhere = makeDirectory()
    cpSync(sealed, join(elsewhere.path, 'one.session'))
    const believed = await recording('verify', join(elsewhere.path, 'one.session'))
    expect(believed.out).toContain('The public key was taken from the recording itself')
    const given = ['--public-key', join(storage, 'state', 'recording.pub'), '--json']
    const { code, out } = await recording('verify', join(elsewhere.path, 'one.session'), ...given)
    expect(code).toBe(0)
    expect(JSON.parse(out)).toMatchObject({ status: 'clean', key_from: 'given', frames: 4, signed_frames: 4 })
    elsewhere.remove()
  })

  it('names the first bad frame of one that was altered, tells a missing end apart, and misses what is gone', async () => {
    const copy = makeDirectory()
    cpSync(storage, join(copy.path, 'shim'), { recursive: true })
    const path = join(copy.path, 'shim', 'sessions', sealed.split('/').at(-1)!)
    const whole = readFileSync(path)
    const altered = Buffer.from(whole)
    altered[whole.length - 900]! ^= 1
    writeFileSync(path, altered)
    const tampered = await recording('verify', join(copy.path, 'shim'), '--checkpoint', checkpoint, '--json')
    expect(tampered.code).toBe(1)
    expect(JSON.parse(tampered.out).recordings).toContainEqual(
      expect.objectContaining({ status: 'tampered', first_bad: expect.objectContaining({ frame: 4 }) }),
    )
    writeFileSync(path, whole.subarray(0, whole.length - 10))
    expect(await recording('verify', path)).toMatchObject({
      code: 1,
      out: expect.stringMatching(/^incomplete: /),
    })
    writeFileSync(path, whole.subarray(0, 900))
    const below = await recording('verify', path, '--checkpoint', checkpoint)
    expect(below).toMatchObject({ code: 1, out: expect.stringMatching(/^tampered: .*the end is missing/) })
    writeFileSync(checkpoint, readFileSync(checkpoint))
    const kept = file('two-kept.json')
    writeFileSync(kept, readFileSync(checkpoint, 'utf8').replace('"one"', '"removed"'))
    const missing = await recording('verify', join(copy.path, 'shim'), '--checkpoint', kept, '--json')
    expect(JSON.parse(missing.out)).toMatchObject({ missing_sessions: ['removed'] })
    expect(missing.code).toBe(1)
    copy.remove()
  })

  it('takes checkpoints as heartbeats and the SIEM have them, and says when none is of a recording', async () => {
    const mark = JSON.parse(readFileSync(checkpoint, 'utf8'))
    const other = { ...mark, session: 'three' }
    const kept = (name: string, ...lines: object[]) => {
      writeFileSync(file(name), `${lines.map((line) => JSON.stringify(line)).join('\n')}\n{"n":12,"at`)
      return file(name)
    }
    const beats = kept('beats.log', { n: 1, open_recordings: [] }, { n: 2, open_recordings: [other, mark] })
    const siem = kept('siem.jsonl', { type: 'port.changed' }, { details: { mark_1: JSON.stringify(mark) } })
    const ocsf = kept('ocsf.jsonl', { unmapped: { mark_2: JSON.stringify(mark) } })
    const copy = file('cut.session')
    writeFileSync(copy, readFileSync(sealed).subarray(0, 900))
    for (const from of [beats, siem, ocsf]) {
      const whole = await recording('verify', sealed, '--checkpoint', from)
      expect({ from, ...whole }).toMatchObject({
        code: 0,
        out: `clean: ${sealed}: 4 frames, signed to the end\n`,
      })
      expect(await recording('verify', copy, '--checkpoint', from)).toMatchObject({ code: 1 })
    }
    const none = await recording(
      'verify',
      sealed,
      '--checkpoint',
      kept('none.log', { open_recordings: [other] }),
    )
    expect(none).toMatchObject({
      ...{ code: 0, out: `clean: ${sealed}: 4 frames, signed to the end; no checkpoint is of this one\n` },
    })
    const bad = kept('bad.log', { open_recordings: [{ ...mark, hash: 'x' }] })
    expect(await recording('verify', sealed, '--checkpoint', bad)).toMatchObject({
      ...{ code: 1, err: expect.stringContaining(`${bad}: line 1`) },
    })
  })

  it('is told apart from a call that was wrong', async () => {
    expect(await recording('verify')).toMatchObject({ code: 2 })
    const rubbish = file('rubbish')
    writeFileSync(rubbish, 'no checkpoint')
    const { code, err } = await recording('verify', sealed, '--checkpoint', rubbish)
    expect({ code, err }).toEqual({ code: 1, err: expect.stringContaining(`${rubbish}: line 1`) })
    expect(await recording('verify', sealed, '--public-key', key)).toMatchObject({
      ...{ code: 1, err: expect.stringContaining('is no Ed25519 public key') },
    })
  })
})

describe('recording export and play', () => {
  it('write exactly the bytes of a direction', async () => {
    const to = file('typed.bin')
    const words = ['export', sealed, '--format', 'raw', '--direction', 'in', '--key', key, '--out', to]
    expect(await recording(...words)).toEqual({ code: 0, out: '', err: '' })
    expect(readFileSync(to).equals(Buffer.concat([Buffer.from('help\r'), all256]))).toBe(true)
    expect(await recording(...words)).toMatchObject({
      code: 1,
      err: expect.stringContaining('is there already'),
    })
  })

  it('say what a sealed recording needs', async () => {
    for (const command of ['export', 'play']) {
      const { code, out, err } = await recording(command, sealed)
      expect({ code, out, err }).toEqual({ code: 1, out: '', err: expect.stringContaining('--key') })
    }
    const wrong = file('wrong.key')
    await recording('keygen', '--out', wrong)
    const { err } = await recording('export', sealed, '--key', wrong)
    expect(err).toContain('that key does not open it; it was sealed for x25519:')
  })

  it('play what the device said, with nothing a terminal obeys, unless it is asked for', async () => {
    const { code, out } = await recording('play', sealed, '--key', key, '--speed', '0')
    expect(code).toBe(0)
    expect(out).toContain('pressure: 3.2 kPa\n␛]0;owned␇␛[2J\\u{9b}31m\\u{202e}elif')
    expect(out).not.toContain('\u001b')
    expect(out).not.toContain('help')
    const raw = await recording('play', sealed, '--key', key, '--speed', '0', '--raw', '--direction', 'both')
    expect(raw.out).toContain(`help\rpressure: 3.2 kPa\r\n${hostile}`)
    const wrong = await recording('play', sealed, '--key', key, '--speed', 'fast')
    expect(wrong).toMatchObject({ code: 1, err: expect.stringContaining('--speed') })
  })

  it('stop at what was altered', async () => {
    const bytes = readFileSync(sealed)
    bytes[bytes.length - 900]! ^= 1
    const path = file('altered.session')
    writeFileSync(path, bytes)
    const { code, err } = await recording('export', path, '--format', 'jsonl', '--key', key)
    expect({ code, err }).toEqual({ code: 1, err: expect.stringMatching(/recording_damaged.*frame 4/) })
    expect(existsSync(sealed)).toBe(true)
  })
})
