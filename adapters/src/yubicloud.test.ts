import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { isSignedBy, parseOtp, spendOf, systemRandom, validationSignature } from '@sallyport/core'
import { afterEach, describe, expect, it } from 'vitest'
import { createYubicloudValidator } from './yubicloud.ts'

const apiKey = Buffer.from('the key of this client')
const otp = parseOtp('cccccckdvvuldvgtiblfkbgturecfllberrvkinnctnn')!
const other = otp.text.replace(/n$/, 'c')

type Fields = Record<string, string>
type Behaviour = (query: Fields, response: ServerResponse, request: IncomingMessage) => void

const servers: Server[] = []

afterEach(async () => {
  for (const server of servers.splice(0)) {
    server.closeAllConnections()
    await new Promise((closed) => server.close(closed))
  }
})

async function start(behave: Behaviour): Promise<string> {
  const server = createServer((request, response) => {
    response.on('error', () => undefined)
    behave(Object.fromEntries(new URL(request.url!, 'http://x').searchParams), response, request)
  })
  servers.push(server)
  await new Promise<void>((open) => server.listen(0, '127.0.0.1', open))
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/wsapi/2.0/verify`
}

const sign = (fields: Fields, key = apiKey): Fields => ({ h: validationSignature(fields, key), ...fields })
const spell = (fields: Fields) =>
  `${Object.entries(fields)
    .map(([name, value]) => `${name}=${value}\r\n`)
    .join('')}\r\n`

/** An honest server that says this of every OTP, with what it says altered on the way. */
const says =
  (status: string, alter: (fields: Fields) => Fields | string = (fields) => fields): Behaviour =>
  (query, response) => {
    const { otp, nonce } = query as { otp: string; nonce: string }
    const altered = alter(sign({ otp, nonce, sl: '100', status, t: '2026-11-09T12:00:00Z0123' }))
    response.end(typeof altered === 'string' ? altered : spell(altered))
  }

async function validate(behaviours: Behaviour[], timeout = 5_000) {
  const urls = await Promise.all(behaviours.map(start))
  return createYubicloudValidator({ clientId: '42', apiKey, urls, timeout, random: systemRandom }).validate(
    otp,
  )
}

const silent: Behaviour = () => undefined
const dead: Behaviour = (_, response) => response.destroy()
const proof = { spends: [spendOf(otp)], detail: { validated_by: 'yubicloud' } }
const unavailable = (reason: string | RegExp) => ({
  code: 'yubikey_unavailable',
  message: expect.stringMatching(reason),
})

describe('a YubiCloud server', () => {
  it('is asked with a signed request and a fresh nonce, and believed', async () => {
    const asked: Fields[] = []
    const honest: Behaviour = (query, ...rest) => {
      asked.push(query)
      says('OK')(query, ...rest)
    }
    expect(await validate([honest])).toEqual(proof)
    expect(await validate([honest])).toEqual(proof)
    for (const query of asked) {
      expect(query).toMatchObject({ id: '42', otp: otp.text, nonce: expect.stringMatching(/^[0-9a-f]{32}$/) })
      expect(isSignedBy(query, apiKey)).toBe(true)
    }
    expect(asked[0]!.nonce).not.toBe(asked[1]!.nonce)
  })

  it.each(['BAD_OTP', 'REPLAYED_OTP'])('that says %s is believed too', async (status) => {
    expect(await validate([says(status)])).toBeNull()
  })

  it.each([
    'REPLAYED_REQUEST',
    'BAD_SIGNATURE',
    'NO_SUCH_CLIENT',
    'MISSING_PARAMETER',
    'OPERATION_NOT_ALLOWED',
    'BACKEND_ERROR',
    'NOT_ENOUGH_ANSWERS',
    'ok',
    '',
  ])('that says %j proves nothing', async (status) => {
    await expect(validate([says(status)])).rejects.toMatchObject(unavailable(/^no YubiKey validation server/))
  })
})

describe('somebody in the middle', () => {
  const alterations: [string, Behaviour][] = [
    ['the status', says('BAD_OTP', (fields) => ({ ...fields, status: 'OK' }))],
    ['the status, for one of a replay', says('REPLAYED_OTP', (fields) => ({ ...fields, status: 'OK' }))],
    ['the nonce', says('OK', (fields) => ({ ...fields, nonce: 'a'.repeat(32) }))],
    ['the OTP', says('OK', (fields) => ({ ...fields, otp: other }))],
    ['the time', says('OK', (fields) => ({ ...fields, t: '2030-01-01T00:00:00Z0000' }))],
    [
      'the signature',
      says('OK', (fields) => ({ ...fields, h: fields.h!.replace(/^./, (c) => (c === 'A' ? 'B' : 'A')) })),
    ],
    ['the signature for none', says('OK', ({ h: _, ...fields }) => fields)],
    ['the signature for an empty one', says('OK', (fields) => ({ ...fields, h: '' }))],
    [
      'the signature for one by another key',
      says('OK', ({ h: _, ...fields }) => sign(fields, Buffer.from('another'))),
    ],
    [
      'an answer for another nonce, truly signed',
      says('OK', ({ h: _, ...fields }) => sign({ ...fields, nonce: 'a'.repeat(32) })),
    ],
    [
      'an answer for another OTP, truly signed',
      says('OK', ({ h: _, ...fields }) => sign({ ...fields, otp: other })),
    ],
    ['an answer for no OTP, truly signed', says('OK', ({ h: _, otp: __, ...fields }) => sign(fields))],
    [
      'two fields for one, truly signed',
      says('BAD_OTP', ({ h, ...fields }) => {
        const { t, ...rest } = fields
        return spell({ ...rest, h: h!, status: `BAD_OTP&t=${t}` })
      }),
    ],
    ['a second status', says('OK', (fields) => `status=OK\r\n${spell({ ...fields, status: 'BAD_OTP' })}`)],
    ['the whole', says('OK', () => '<html>status=OK</html>')],
    ['nothing into endless', says('OK', () => 'status=OK\r\n'.repeat(1_000_000))],
    [
      'the address',
      (_, response) => void response.writeHead(302, { location: 'http://127.0.0.1:1/' }).end('status=OK\r\n'),
    ],
    ['the HTTP status', (_, response) => void response.writeHead(500).end('status=OK\r\n')],
  ]

  it.each(alterations)('who changes %s is not believed', async (_, behave) => {
    await expect(validate([behave])).rejects.toMatchObject(unavailable(/\(127\.0\.0\.1:\d+: .+\)$/))
  })

  it('cannot keep an honest server beside from being heard', async () => {
    for (const [, behave] of alterations.slice(0, 6)) {
      expect(await validate([behave, says('OK')])).toEqual(proof)
      expect(await validate([says('BAD_OTP'), behave])).toBeNull()
    }
  })
})

describe('of several servers', () => {
  it('the first that answers decides, and the others are let go', async () => {
    let gone: () => void
    const letGo = new Promise<void>((resolve) => {
      gone = resolve
    })
    const slow: Behaviour = (_, response) => response.on('close', () => gone())
    expect(await validate([slow, says('OK')])).toEqual(proof)
    await letGo
  })

  it('one is enough, whatever became of the rest', async () => {
    expect(await validate([dead, says('BACKEND_ERROR'), says('REPLAYED_REQUEST'), says('OK')])).toEqual(proof)
  })

  it('all silent or dead is no, with what each of them did', async () => {
    const told = unavailable(/no answer in time.*(other side closed|UND_ERR_SOCKET|ECONNRESET)/)
    await expect(validate([silent, dead], 300)).rejects.toMatchObject(told)
    const options = { clientId: '42', apiKey, timeout: 5_000, random: systemRandom }
    const nobody = createYubicloudValidator({ ...options, urls: ['http://127.0.0.1:1/wsapi/2.0/verify'] })
    await expect(nobody.validate(otp)).rejects.toMatchObject(unavailable(/ECONNREFUSED|bad port/))
  })
})
