import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer, type Server } from 'node:net'
import { join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import type { Enrolment, Factor, SiemTransport } from '@sallyport/core'
import { afterAll, describe, expect, it } from 'vitest'
import type { Sensor } from '../gates/serial/src/index.ts'

/** The examples of docs/extending.md, as they stand there. */
const root = fileURLToPath(new URL('..', import.meta.url))
const page = readFileSync(join(root, 'docs/extending.md'), 'utf8')
mkdirSync(join(root, '.cache'), { recursive: true })
const folder = mkdtempSync(join(root, '.cache/extending-'))
afterAll(() => rmSync(folder, { recursive: true }))

async function example(name: string): Promise<Record<string, unknown>> {
  const code = new RegExp(`^\`\`\`ts ${name}\\n([\\s\\S]*?)^\`\`\`$`, 'm').exec(page)![1]!
  const file = join(folder, `${name}.ts`)
  writeFileSync(file, code)
  return import(pathToFileURL(file).href)
}

describe('docs/extending.md', () => {
  it('a transport resolves once the receiver has confirmed, and rejects when it has not', async () => {
    const { createSocketTransport } = await example('transport')
    const path = join(folder, 's')
    const transport = (createSocketTransport as (options: object) => SiemTransport)({ path })
    const never = new AbortController().signal
    await expect(transport.deliver(['lost'], never)).rejects.toThrow('ENOENT')
    const got: string[] = []
    let confirms = true
    const server: Server = createServer({ allowHalfOpen: true }, (socket) => {
      socket.setEncoding('utf8').on('data', (text: string) => got.push(text))
      socket.on('end', () => socket.end(confirms ? 'ok\n' : ''))
    })
    await new Promise<void>((resolve) => server.listen(path, resolve))
    await transport.deliver(['one', 'two'], never)
    expect(got.join('')).toBe('one\ntwo\n')
    confirms = false
    await expect(transport.deliver(['three'], never)).rejects.toThrow('closed before it confirmed')
    await new Promise((resolve) => server.close(resolve))
  })

  it('a sensor measures', async () => {
    const { createColdSensor } = await example('sensor')
    const path = join(folder, 'temp')
    const sensor = (createColdSensor as (options: object) => Sensor)({ id: 'cold', path })
    await expect(sensor.read()).rejects.toThrow('ENOENT')
    writeFileSync(path, '-20500\n')
    expect(await sensor.read()).toBe(20.5)
  })

  it('a factor matches its numbers, says what they use up, and nothing else', async () => {
    const { createCardFactor } = await example('factor')
    const factor = (createCardFactor as (options: object) => Factor)({ length: 40 })
    const enrolment = { id: 'card-1' } as Enrolment
    const secret = Buffer.from('0123456789abcdef')
    const judge = (input: string) => factor.verify({ enrolment, secret, input, now: 0 })
    // by openssl: printf 'card 7' | openssl dgst -sha256 -mac hmac -macopt key:0123456789abcdef
    const seventh = String(0xf7190ada % 1e8).padStart(8, '0')
    expect(factor.wellFormed(seventh, enrolment)).toBe(true)
    expect(factor.wellFormed('1234567', enrolment)).toBe(false)
    expect(await judge(seventh)).toMatchObject({ spends: [{ kind: 'raise', key: 'card:card-1', value: 7 }] })
    expect(await judge('00000000')).toBeNull()
  })
})
