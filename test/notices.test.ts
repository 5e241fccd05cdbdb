import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { type AdminGate, openAdminGate } from './support/admin-gate.ts'
import { password } from './support/login.ts'

const minute = 60_000
const directory = mkdtempSync(join(tmpdir(), 'sallyport-notices-'))
let gate: AdminGate

beforeAll(async () => {
  const config = join(directory, 'sallyport.yaml')
  writeFileSync(config, 'trusted_proxies: [127.0.0.1]\n')
  gate = await openAdminGate({ config })
})
afterAll(async () => {
  await gate.close()
  rmSync(directory, { recursive: true })
})

async function post(path: string, body: object, from: string) {
  const headers = { 'content-type': 'application/json', 'x-forwarded-for': from, 'user-agent': 'Phone/1' }
  const answer = await fetch(`${gate.url}${path}`, { method: 'POST', headers, body: JSON.stringify(body) })
  return { status: answer.status, body: (await answer.json()) as Record<string, unknown> }
}

async function person() {
  const subject = await gate.addUser()
  const phone = await gate.addPhone(subject)
  const begin = async (from: string) => {
    const { body } = await post('/auth/login', { email: subject.email, password }, from)
    return body.temp_token
  }
  const verify = async (temp_token: unknown, code: string, from: string) =>
    post('/auth/mfa/verify', { temp_token, code }, from)
  const signIn = async (from: string) => {
    gate.clock.at += minute
    const done = await verify(await begin(from), phone.code(), from)
    expect(done.status).toBe(200)
  }
  const told = async () => (await gate.letters()).filter(({ to }) => to === subject.email)
  return { begin, verify, signIn, told }
}

it('tells of a factor used from a new place, and of no place that is known', async () => {
  const { signIn, told } = await person()
  await signIn('192.0.2.1')
  expect(await told()).toEqual([])
  await signIn('192.0.2.1')
  expect(await told()).toEqual([])
  await signIn('198.51.100.7')
  expect(await told()).toMatchObject([
    { kind: 'new_place', facts: { address: '198.51.100.7', device: 'Phone/1' } },
  ])
  gate.clock.at += minute
  await signIn('198.51.100.7')
  // One IPv6 network is one place, whichever of its addresses.
  await signIn('2001:db8:1:2::1')
  await signIn('2001:db8:1:2:ffff::9')
  const kinds = (await told()).map(({ facts }) => facts.address)
  expect(kinds.filter((address) => address?.startsWith('2001'))).toEqual(['2001:db8:1:2::1'])
})

it('tells once a lock, not once a code, that the password was right and the factor wrong', async () => {
  const { begin, verify, told } = await person()
  const token = await begin('203.0.113.9')
  for (let wrong = 0; wrong < 4; wrong++) await verify(token, 'wrong', '203.0.113.9')
  expect(await told()).toEqual([])
  for (let wrong = 0; wrong < 3; wrong++) await verify(token, 'wrong', '203.0.113.9')
  expect(await told()).toMatchObject([{ kind: 'wrong_factor', facts: { address: '203.0.113.9' } }])
})
