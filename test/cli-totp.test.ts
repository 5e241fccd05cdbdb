import { execFileSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, describe, expect, it, vi } from 'vitest'
import { makeDirectory, sallyport, sallyportJson } from './support/cli.ts'

// A process each, on whatever machine this is.
vi.setConfig({ testTimeout: 120_000 })

const directory = makeDirectory()
afterAll(() => directory.remove())

describe('totp', () => {
  const secret = 'JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP'
  const oathtool = (...words: string[]) => execFileSync('oathtool', words, { encoding: 'utf8' }).trim()

  it('makes a secret of 160 bits, anew each time', async () => {
    const [one, two] = await Promise.all([
      sallyportJson<{ secret: string }>(['totp', 'generate', '--account', 'ada@example.org']),
      sallyportJson<{ secret: string }>(['totp', 'generate', '--account', 'ada@example.org']),
    ])
    expect(one.secret).toMatch(/^[A-Z2-7]{32}$/)
    expect(one.secret).not.toBe(two.secret)
    expect(one).toMatchObject({
      provisioning_uri: `otpauth://totp/Sallyport:ada%40example.org?secret=${one.secret}&issuer=Sallyport&algorithm=SHA1&digits=6&period=30`,
    })
  })

  it('draws a QR code that another program reads', async () => {
    const { out } = await sallyport(['totp', 'generate', '--account', 'ada@example.org'])
    expect(out).not.toContain('\u001b')
    const uri = /otpauth:\S+/.exec(out)![0]
    // What a dark terminal shows: a drawn half is light.
    const rows = out.split('\n').filter((line) => /^[ ▀▄█]+$/.test(line))
    const halves = rows.flatMap((row) => [
      [...row].map((half) => ('▀█'.includes(half) ? 255 : 0)),
      [...row].map((half) => ('▄█'.includes(half) ? 255 : 0)),
    ])
    const scale = 4
    const pixels = halves.flatMap((row) =>
      Array(scale)
        .fill(row.flatMap((dot) => Array(scale).fill(dot)))
        .flat(),
    )
    const header = `P5 ${halves[0]!.length * scale} ${halves.length * scale} 255\n`
    const picture = join(directory.path, 'qr.pgm')
    writeFileSync(picture, Buffer.concat([Buffer.from(header), Buffer.from(pixels)]))
    expect(execFileSync('zbarimg', ['-q', '--raw', picture], { encoding: 'utf8' }).trim()).toBe(uri)
  })

  it('shows a secret that exists, and warns when it is short', async () => {
    const shown = await sallyportJson(['totp', 'generate', '--secret-stdin'], { input: 'jbswy3dpehpk3pxp\n' })
    expect(shown).toMatchObject({ secret: 'JBSWY3DPEHPK3PXP', warning: expect.anything() })
  })

  it.each([
    { algorithm: 'SHA1', digits: '6', period: '30' },
    { algorithm: 'SHA256', digits: '8', period: '60' },
    { algorithm: 'SHA512', digits: '7', period: '30' },
  ])('agrees with oathtool: $algorithm, $digits digits, $period s', async ({ algorithm, digits, period }) => {
    const settings = ['--algorithm', algorithm, '--digits', digits, '--period', period]
    const code = oathtool(`--totp=${algorithm.toLowerCase()}`, '-b', '-d', digits, '-s', `${period}s`, secret)
    const right = await sallyport(['totp', 'check', code, ...settings], { input: secret })
    expect(right).toMatchObject({ code: 0, out: expect.stringMatching(/^right/) })
    const wrong = `${code.slice(0, -1)}${(Number(code.at(-1)) + 1) % 10}`
    const options = { input: secret }
    expect(await sallyport(['totp', 'check', wrong, ...settings, '--window', '0'], options)).toMatchObject({
      code: 1,
      out: 'wrong\n',
    })
  })

  it('says how far the clock is off', async () => {
    const then = new Date(Date.now() - 60_000).toISOString()
    const code = oathtool('--totp', '-b', `--now=${then.replace('T', ' ').slice(0, 19)} UTC`, secret)
    const { code: exit, out } = await sallyport(['totp', 'check', code, '--window', '3', '--json'], {
      input: secret,
    })
    expect(exit).toBe(0)
    expect(JSON.parse(out)).toMatchObject({ valid: true, drift_steps: expect.any(Number) })
    expect(JSON.parse(out).drift_steps).toBeLessThan(0)
  })

  it.each([
    ['no secret', ['123456'], ''],
    ['a secret that is no Base32', ['123456'], '!!!'],
    ['a window too wide', ['123456', '--window', '11'], secret],
    ['a period of nothing', ['123456', '--period', '0'], secret],
    ['a number in other clothes', ['123456', '--window', '1e0'], secret],
  ])('refuses %s', async (_, words, input) => {
    const { code, out, err } = await sallyport(['totp', 'check', ...words], { input })
    expect({ code, out }).toEqual({ code: 1, out: '' })
    expect(err).toContain('invalid_input')
  })

  it('takes no code that is malformed', async () => {
    for (const code of ['12345', '1234567', ' 123456', '１２３４５６', 'abcdef', '9'.repeat(5_000)]) {
      expect((await sallyport(['totp', 'check', code], { input: secret })).out).toBe('wrong\n')
    }
  })
})
