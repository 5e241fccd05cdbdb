import { writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { afterAll, afterEach, describe, expect, it, vi } from 'vitest'
import { makeDirectory, type Serving, sallyport, serve } from './support/cli.ts'

// A process each, on whatever machine this is.
vi.setConfig({ testTimeout: 120_000 })

const directory = makeDirectory()
const running: Serving[] = []

async function start(words: readonly string[], options = {}): Promise<Serving> {
  const serving = await serve(['--port', '0', ...words], options)
  running.push(serving)
  return serving
}

afterEach(async () => {
  await Promise.all(running.splice(0).map((serving) => serving.stop('SIGKILL')))
})
afterAll(() => directory.remove())

const status = async (url: string) => (await fetch(url)).status

describe('serve', () => {
  it('says that it is ready, where, and which key file it made; stops in order', async () => {
    const data = join(directory.path, 'first')
    const first = await start(['--data', data])
    expect(first.out).toContain(`made the vault's key file ${join(data, 'vault.key')}`)
    expect(first.out).toMatch(/^ready Sallyport \d+\.\d+\.\d+ is running: open http:\/\/127\.0\.0\.1:\d+\/$/m)
    expect(first.out).toContain(`use http://localhost:${new URL(first.url).port}/ to try them here`)
    expect(await status(`${first.url}/healthz`)).toBe(200)
    expect(await status(`${first.url}/readyz`)).toBe(200)
    expect(await first.stop('SIGTERM')).toBe(0)

    const second = await start(['--data', data, '--host', '0.0.0.0'])
    expect(second.out).not.toContain('made')
    expect(second.out).toContain('links in letters lead to localhost')
    expect(await second.stop('SIGINT')).toBe(0)
  })

  it.each([
    [
      'a port that is taken',
      async () => ['--port', String(await takenPort())],
      /^error \(config_invalid\): port \d+ on 127\.0\.0\.1 is taken; choose another with --port, .*\n$/,
    ],
    [
      'an address of no machine here',
      async () => ['--host', '192.0.2.1', '--port', '0'],
      /192\.0\.2\.1 is no address of this machine/,
    ],
    ['a port out of range', async () => ['--port', '65536'], /listen\.port: must be at most 65535/],
    ['a port that is no number', async () => ['--port', 'http'], /listen\.port: /],
  ])('refuses %s in a sentence', async (_, words, message) => {
    const { code, out, err } = await sallyport([
      'serve',
      '--data',
      join(directory.path, 'refused'),
      ...(await words()),
    ])
    expect({ code, out }).toEqual({ code: 1, out: '' })
    expect(
      err
        .split('\n')
        .filter((line) => !line.startsWith('{'))
        .join('\n'),
    ).toMatch(message)
    expect(err).not.toContain('    at ')
  })

  it('shares its data with a second one, and with the other commands meanwhile', async () => {
    const data = join(directory.path, 'shared')
    const [one, two] = [await start(['--data', data]), await start(['--data', data])]
    const create = (email: string) =>
      sallyport(['user', 'create', '--data', data, '--email', email, '--role', 'user', '--password-stdin'], {
        input: 'correct horse battery',
      })
    const created = await Promise.all([
      create('a@example.org'),
      create('b@example.org'),
      create('c@example.org'),
    ])
    expect(created.map(({ code }) => code)).toEqual([0, 0, 0])
    expect((await sallyport(['key', 'rotate', '--data', data])).code).toBe(0)
    expect((await sallyport(['ledger', 'verify', '--data', data])).out).toMatch(/^clean/)
    expect(await status(`${one!.url}/readyz`)).toBe(200)
    expect(await status(`${two!.url}/readyz`)).toBe(200)
    expect(await Promise.all([one!.stop(), two!.stop()])).toEqual([0, 0])
  })

  it('starts twice at once on an empty directory, with one key between them', async () => {
    const data = join(directory.path, 'empty')
    const both = await Promise.all([start(['--data', data]), start(['--data', data])])
    for (const { url } of both) expect(await status(`${url}/readyz`)).toBe(200)
    expect(both.filter(({ out }) => out.includes('made the vault'))).toHaveLength(1)
  })

  it('is there again after a kill', async () => {
    const data = join(directory.path, 'killed')
    await (await start(['--data', data])).stop('SIGKILL')
    expect(await status(`${(await start(['--data', data])).url}/readyz`)).toBe(200)
  })

  it('takes flags over the environment over the file', async () => {
    const config = join(directory.path, 'sallyport.yaml')
    const data = (name: string) => join(directory.path, name)
    writeFileSync(config, `data: ${data('by file')}\nlisten: { host: 127.0.0.2 }\nlog: { level: error }\n`)
    const byFile = await start(['--config', config])
    expect(byFile.url).toMatch(/^http:\/\/127\.0\.0\.2:/)
    const env = { SALLYPORT_LISTEN_HOST: '127.0.0.3', SALLYPORT_DATA: data('by environment') }
    const byEnvironment = await start(['--config', config], { env })
    expect(byEnvironment.url).toMatch(/^http:\/\/127\.0\.0\.3:/)
    expect(byEnvironment.out).toContain('by environment')
    const byFlag = await start(['--config', config, '--host', '127.0.0.4', '--data', data('by flag')], {
      env,
    })
    expect(byFlag.url).toMatch(/^http:\/\/127\.0\.0\.4:/)
    expect(byFlag.out).toContain('by flag')
  })
})

async function takenPort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  server.unref()
  await new Promise((resolve) => server.once('listening', resolve))
  return (server.address() as { port: number }).port
}
