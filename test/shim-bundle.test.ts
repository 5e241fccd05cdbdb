import { spawnSync } from 'node:child_process'
import { readdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { afterAll, describe, expect, it, vi } from 'vitest'
import { sallyport, sallyportJson } from './support/cli.ts'
import { makeBench, type Plug, plugIn, until } from './support/shim.ts'

vi.setConfig({ testTimeout: 60_000 })

interface Made {
  serial: number
  technicians: { id: string; new: boolean; secret?: string }[]
}

describe('a gate whose technicians come in a bundle', () => {
  const bench = makeBench((at) => ({
    technicians: [{ directory: { bundle: at('technicians.bundle'), public_key: at('bundle.pub') } }],
  }))
  const { at, config } = bench
  let near: Plug
  afterAll(() => bench.remove())

  const secrets = new Map<string, string>()
  /** What an authenticator shows that scanned the code, in a program that knows nothing of ours. */
  const codeOf = (name: string) =>
    spawnSync('oathtool', ['--totp', '--base32', secrets.get(name)!], { encoding: 'utf8' }).stdout.trim()

  /** A bundle that is made elsewhere and then put in the place of the one before it. */
  async function bring(names: readonly string[], ...words: string[]): Promise<Made> {
    const technicians = names.map((name) => ({ id: `${name}@example.org` }))
    writeFileSync(at('people.yaml'), JSON.stringify({ technicians }))
    const made = await sallyportJson<Made>([
      ...['shim', 'bundle', '--for', at('request.json'), '--sign-key', at('bundle.key')],
      ...['--from', at('people.yaml'), '--data', at('central'), '--out', at('made'), ...words],
    ])
    for (const { id, secret } of made.technicians) if (secret) secrets.set(id.split('@')[0]!, secret)
    writeFileSync(at(`${made.serial}.bundle`), readFileSync(at('made')))
    renameSync(at('made'), at('technicians.bundle'))
    return made
  }
  const check = () => sallyport(['shim', 'check', '--config', config])
  const directory = async () => ((await bench.status()) as unknown as { directory: object }).directory
  const alerts = () => readdirSync(at('data/alerts')).map((name) => /\.([a-z-]+)\.json$/.exec(name)![1])

  it('asks for one, and says what is wrong until it has it', async () => {
    const { public_key: key } = await sallyportJson<{ public_key: string }>([
      ...['shim', 'bundle', 'keygen', '--out', at('bundle.key')],
    ])
    writeFileSync(at('bundle.pub'), `${key}\n`)
    expect((await check()).err).toContain('which has no key yet: make the request with')
    const words = ['shim', 'bundle', 'request', '--config', config, '--out', at('request.json')]
    const asked = await sallyportJson<{ fingerprint: string }>(words)
    expect((await check()).err).toContain('technicians[].directory.bundle: ')
    const made = await bring(['alice', 'bob'])
    expect(made).toMatchObject({ fingerprint: asked.fingerprint, device: 'pump-12' })
    expect(made.technicians).toMatchObject([{ new: true }, { new: true }])
    const { code, out } = await check()
    expect({ code, out }).toEqual({ code: 0, out: expect.stringContaining('2 technician(s), until ') })
    writeFileSync(
      at('bundle.pub'),
      key.replace(/.$/, (last) => (last === 'A' ? 'E' : 'A')),
    )
    expect((await check()).err).toMatch(/is not signed by the key|is no Ed25519 public key/)
    writeFileSync(at('bundle.pub'), `${key}\n`)
  })

  it('lets them pass by their own codes, each once', async () => {
    await bench.cable('near', 'gate-near')
    await bench.cable('far', 'gate-far')
    await bench.start()
    near = await plugIn(bench.at('near'))
    const far = await plugIn(bench.at('far'))
    const code = codeOf('alice')
    near.type(`alice@example.org ${code}\r`)
    await near.expect('is being recorded.\r\n')
    near.type('STATUS\r')
    await far.expect('STATUS\r')
    await bench.control('close', { reason: 'again' })
    await bench.state('IDLE')
    near.forget()
    near.type(`alice@example.org ${code}\r`)
    await near.expect('Authentication failed.\r\n')
    await until('the prompt', () => near.text().endsWith('> '))
  })

  it('ends the session of whom the next one leaves out, and lets the others go on', async () => {
    const { serial } = await bring(['alice', 'bob'], '--renew', 'alice@example.org')
    near.forget()
    near.type(`alice@example.org ${codeOf('alice')}\r`)
    await near.expect('is being recorded.\r\n')
    const next = await bring(['bob'])
    expect(next).toMatchObject({ technicians: [{ id: 'bob@example.org', new: false }] })
    expect(next.serial).toBeGreaterThan(serial)
    expect(await directory()).toMatchObject({ state: 'valid', serial: next.serial, refused: null })
    await near.expect('the technician was taken out')
    await bench.state('IDLE')
    near.forget()
    near.type(`alice@example.org ${codeOf('alice')}\r`)
    await near.expect('Authentication failed.\r\n')
    await until('the prompt', () => near.text().endsWith('> '))
    near.forget()
    near.type(`bob@example.org ${codeOf('bob')}\r`)
    await near.expect('is being recorded.\r\n')
    await bench.control('close', { reason: 'done' })
    await bench.state('IDLE')
    // the one before it, put back
    writeFileSync(at('technicians.bundle'), readFileSync(at(`${serial}.bundle`)))
    const { out } = await sallyport(['shim', 'status', '--config', config])
    expect(out).toContain(`bundle of technicians: valid; serial ${next.serial}, until `)
    expect(out).toContain(`the file that lies there is older (serial ${serial})`)
    expect(alerts()).toEqual(['bundle-refused'])
    expect((await check()).err).toContain(`is older (serial ${serial})`)
  })

  it('lets nobody of it pass once it has expired, and says why to administrators only', async () => {
    await bench.stop()
    near.forget()
    const library = '/usr/lib/x86_64-linux-gnu/faketime/libfaketime.so.1'
    await bench.start({ LD_PRELOAD: library, FAKETIME: '+31d', FAKETIME_DONT_FAKE_MONOTONIC: '1' })
    const later = ['--totp', '--base32', '--now', '31 days', secrets.get('bob')!]
    const code = spawnSync('oathtool', later, { encoding: 'utf8' }).stdout.trim()
    near.type(`bob@example.org ${code}\r`)
    const said = await near.expect('Authentication failed.\r\n')
    expect(said).not.toContain('expired')
    expect(await directory()).toMatchObject({ state: 'expired' })
    const beat = () => {
      const days = readdirSync(at('data/heartbeats')).map((day) =>
        readFileSync(at(`data/heartbeats/${day}`), 'utf8'),
      )
      const beats = days
        .join('')
        .trim()
        .split('\n')
        .map((line) => JSON.parse(line))
      return beats.some((one) => one.directory?.state === 'expired')
    }
    await until('a heartbeat that says so', beat)
    expect(new Set(alerts())).toEqual(new Set(['bundle-refused', 'bundle-expired']))
    const kept = readdirSync(at('data/alerts')).filter((name) => name.includes('expired'))
    expect(JSON.parse(readFileSync(at(`data/alerts/${kept[0]}`), 'utf8'))).toMatchObject({
      ...{ kind: 'bundle-expired', device: 'pump-12', serial: expect.any(Number) },
    })
  })
})
