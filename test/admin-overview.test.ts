import { mkdtempSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { type AdminGate, openAdminGate } from './support/admin-gate.ts'
import { password } from './support/login.ts'

const day = 24 * 3_600_000
let gate: AdminGate

beforeAll(async () => {
  const config = join(mkdtempSync(join(tmpdir(), 'sallyport-overview-')), 'sallyport.yaml')
  writeFileSync(
    config,
    'roles: [STAFF]\nsecurity: { mfa: { roles: { STAFF: { required: true, grace: 3d } } } }\n',
  )
  gate = await openAdminGate({ config })
})
afterAll(() => gate.close())

it('counts people by role and by day, and tells of grace, locks, sign-ins and blocks', async () => {
  const ann = await gate.addUser({ role: 'STAFF' })
  await gate.addPhone(ann)
  gate.clock.at += 2 * day
  const bob = await gate.addUser({ role: 'STAFF' })
  await gate.login(bob)
  const out = await gate.addUser({ role: 'STAFF' })
  const admin = await gate.signInAdmin()
  const send = (path: string, body: object) => gate.call('POST', path, { token: admin.token, body })
  await gate.call('PATCH', `/api/admin/users/${out.id}`, { token: admin.token, body: { disabled: true } })
  await send('/api/security/block-ip', { ip_address: '203.0.113.9', reason: 'scans' })
  const begun = await gate.login(ann)
  for (let guess = 0; guess < 5; guess++)
    await send('/auth/mfa/verify', { temp_token: begun.body.temp_token, code: '000000', method: 'totp' })
  await gate.call('POST', '/auth/login', { body: { email: 'nobody@example.org', password } })

  const { body } = await gate.call('GET', '/api/admin/overview', { token: admin.token })
  const staff = body.roles.find(({ name }: { name: string }) => name === 'STAFF')
  expect(staff).toEqual({ name: 'STAFF', required: true, users: 2, enrolled: 1 })
  const sum = (what: string) =>
    body.roles.reduce((total: number, role: Record<string, number>) => total + role[what]!, 0)
  expect([body.users, body.enrolled]).toEqual([sum('users'), sum('enrolled')])
  expect([body.in_grace, body.must_enrol]).toEqual([1, 0])
  expect(body.grace_ending).toMatchObject([{ id: bob.id, email: bob.email }])
  expect(Date.parse(body.grace_ending[0].grace_until)).toBe(gate.clock.at + 3 * day)
  expect(body.locked).toMatchObject([{ id: ann.id, email: ann.email }])
  expect(body.blocked_addresses).toBe(1)
  expect(body.enrolled_by_day).toHaveLength(30)
  const today = new Date(gate.clock.at).toISOString().slice(0, 10)
  expect(body.enrolled_by_day.at(-1)).toEqual({ day: today, enrolled: body.enrolled })
  const before = body.enrolled_by_day.at(-2).enrolled
  expect([body.enrolled_by_day.at(-3).enrolled, before]).toEqual([before, before])
  expect(body.enrolled_by_day.at(-4).enrolled).toBeLessThan(before)
  expect(body.hours).toHaveLength(24)
  expect(body.hours.at(-1).signed_in).toBeGreaterThanOrEqual(2)
  expect(body.hours.at(-1).failed).toBe(6)
  expect(body.hours.at(-2)).toMatchObject({ signed_in: 0, failed: 0 })
})
