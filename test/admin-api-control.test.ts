import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { loadLedgerPublicKey, verifyLedger } from '@sallyport/core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type AdminGate, openAdminGate } from './support/admin-gate.ts'
import { makeDirectory } from './support/cli.ts'

let gate: AdminGate
let admin: Awaited<ReturnType<AdminGate['signInAdmin']>>
const directory = makeDirectory()

beforeAll(async () => {
  const config = join(directory.path, 'sallyport.yaml')
  const lines = [
    'roles: [FINANCE_USER]',
    'security: { mfa: { roles: { AUDITOR: { required: true, grace: 2d } } } }',
    'mail: { smtp: { host: mail.example.org, user: mailer, password: canary-of-mail } }',
  ]
  writeFileSync(config, lines.join('\n'))
  gate = await openAdminGate({ config })
  admin = await gate.signInAdmin()
})
afterAll(async () => {
  await gate.close()
  directory.remove()
})

const get = (path: string) => gate.call('GET', `/api/admin${path}`, { token: admin.token })
const send = (method: string, path: string, body: unknown = {}) =>
  gate.call(method, `/api/admin${path}`, { token: admin.token, body })
const actor = () => `subject:${admin.subject.id}`
const twoSteps = {
  mode: 'fixed',
  required_steps: 2,
  factors: [
    { id: 'app', label: 'App', type: 'totp' },
    { id: 'mail', label: 'Mail', type: 'email' },
  ],
}

describe('applications and their keys', () => {
  it('are made, changed and listed, each change on record', async () => {
    const wanted = {
      name: 'shop',
      issuer: 'The Shop',
      origins: ['https://shop.example'],
      rp_id: 'shop.example',
    }
    expect((await send('POST', '/applications', wanted)).body).toMatchObject(wanted)
    expect((await send('POST', '/applications', wanted)).body.code).toBe('already_exists')
    const changed = await send('PATCH', '/applications/shop', { rp_id: null })
    expect(changed.body).toMatchObject({ ...wanted, rp_id: null })
    expect((await send('PATCH', '/applications/none', { rp_id: null })).status).toBe(404)
    expect((await get('/applications')).body.items).toContainEqual(changed.body)
    const entries = await gate.ledgerOf({ type: 'application.changed' })
    expect(entries).toEqual([
      expect.objectContaining({ actor: actor(), data: { application: 'shop', fields: ['rp_id'] } }),
    ])
  })

  it('key is shown once, works, and ends', async () => {
    const made = await send('POST', '/apikeys', {
      name: 'till',
      app: 'shop',
      scopes: ['mfa:read', 'mfa:read'],
    })
    const { key, id } = made.body
    expect(made.body).toMatchObject({ app: 'shop', scopes: ['mfa:read'], revoked_at: null })
    const use = () => gate.call('GET', '/api/mfa/status/100', { token: key })
    expect((await use()).status).toBe(200)
    const listed = await get('/apikeys')
    expect(listed.body.items).toContainEqual(expect.objectContaining({ id, name: 'till' }))
    expect(listed.text).not.toContain(key)
    expect(listed.text).not.toContain('hash')
    expect((await send('DELETE', `/apikeys/${id}`)).status).toBe(200)
    expect((await use()).status).toBe(401)
    expect((await send('DELETE', `/apikeys/${id}`)).status).toBe(404)
    const types = (await gate.ledgerOf()).filter(({ data }) => data.key === id && data.route === undefined)
    expect(types.map((entry) => [entry.type, entry.actor])).toEqual([
      ['apikey.created', actor()],
      ['apikey.revoked', actor()],
    ])
  })
})

describe('companies and roles', () => {
  it('are listed; companies come and go', async () => {
    expect((await send('POST', '/companies', { name: 'Ünïted & Sons' })).status).toBe(200)
    expect((await send('POST', '/companies', { name: 'Ünïted & Sons' })).status).toBe(409)
    expect((await get('/companies')).body.items).toEqual([expect.objectContaining({ name: 'Ünïted & Sons' })])
    const path = `/companies/${encodeURIComponent('Ünïted & Sons')}`
    expect((await send('DELETE', path)).status).toBe(200)
    expect((await send('DELETE', path)).status).toBe(404)
    const changes = (await gate.ledgerOf()).filter(({ type }) => type.startsWith('company.'))
    expect(changes.map((entry) => [entry.type, entry.actor])).toEqual([
      ['company.created', actor()],
      ['company.removed', actor()],
    ])
    expect((await get('/roles')).body.items).toEqual([
      { name: 'user', built_in: true, required: false, grace_seconds: 7 * 86_400 },
      { name: 'admin', built_in: true, required: false, grace_seconds: 7 * 86_400 },
      { name: 'FINANCE_USER', built_in: false, required: false, grace_seconds: 7 * 86_400 },
      { name: 'AUDITOR', built_in: false, required: true, grace_seconds: 2 * 86_400 },
    ])
  })

  it('a demand for a second factor shows as grace, and then as must_enrol', async () => {
    const { subject } = await gate.signIn({ role: 'AUDITOR' })
    const inGrace = await get('/users?status=grace')
    expect(inGrace.body.items).toEqual([
      expect.objectContaining({
        ...{ id: subject.id, role: 'AUDITOR' },
        grace_until: new Date(gate.clock.at + 2 * 86_400_000).toISOString(),
      }),
    ])
    gate.clock.at += 2 * 86_400_000
    admin = await gate.signInAdmin()
    expect((await get('/users?status=grace')).body.items).toEqual([])
    const [late] = (await get('/users?status=must_enrol')).body.items
    expect(late).toMatchObject({ id: subject.id, grace_until: null })
  })
})

describe('policies', () => {
  it('are shown as they are in force, and drafts as they would be', async () => {
    const inForce = await get('/policies')
    expect(inForce.body).toMatchObject({
      rules: [
        { name: 'default', action: 'chain', when: [], too_few: 'enforcement', chain: { required_steps: 1 } },
      ],
      otherwise: 'deny',
    })
    const rule = { name: 'finance', when: { roles: ['FINANCE_USER'] }, action: 'chain', chain: twoSteps }
    const checked = await send('POST', '/policies/check', { draft: { policies: [rule] } })
    expect(checked.body).toMatchObject({
      valid: true,
      rules: [
        {
          name: 'finance',
          when: [{ name: 'roles', expected: 'FINANCE_USER' }],
          chain: { required_steps: 2 },
        },
      ],
    })
    const faulty = { policies: [{ ...rule, chain: { ...twoSteps, required_steps: 3 } }] }
    const refused = await send('POST', '/policies/check', { draft: faulty })
    expect([refused.status, refused.body.code]).toEqual([400, 'policy_invalid'])
    expect(refused.body.errors[0].path).toBe('policies[0].chain.required_steps')
  })

  it('explain a decision about a person, by what is in force and by a draft', async () => {
    const subject = await gate.addUser()
    await gate.addPhone(subject)
    const request = { subject: subject.email, ip: '203.0.113.7' }
    const now = await send('POST', '/policies/explain', request)
    expect(now.body.decision).toMatchObject({ action: 'chain', rule: 'default', steps: 1 })
    const closed = { policies: [{ name: 'away', when: { address: '203.0.113.0/24' }, action: 'deny' }] }
    const then = await send('POST', '/policies/explain', { ...request, draft: closed })
    expect(then.body).toMatchObject({
      decision: { action: 'deny', rule: 'away' },
      rules: [{ applies: true, conditions: [{ name: 'address', matched: true }] }],
    })
    expect((await send('POST', '/policies/explain', { subject: 'nobody' })).status).toBe(404)
  })

  it('explain and replay what becomes of somebody who has only a password', async () => {
    const decisionOf = async (subject: { email: string | null }, draft?: object) =>
      (await send('POST', '/policies/explain', { subject: subject.email, draft })).body.decision
    const free = await gate.addUser()
    const bound = await gate.addUser({ role: 'AUDITOR' })
    expect(await decisionOf(free)).toMatchObject({ action: 'allow', rule: 'default' })
    expect((await decisionOf(free)).reasons).toContain('no second factor is demanded')
    expect((await decisionOf(bound)).reasons).toContain('the time to enrol one still runs')
    expect((await gate.login(free)).body).toMatchObject({ token_type: 'bearer' })
    await gate.login(bound)
    gate.clock.at += 2 * 86_400_000
    admin = await gate.signInAdmin()
    expect(await decisionOf(bound)).toMatchObject({ action: 'enrol' })
    expect((await gate.login(bound)).body).toMatchObject({ enrollment_required: true })

    const insists = {
      policies: [
        { name: 'all', action: 'chain', chain: { ...twoSteps, required_steps: 1 }, too_few: 'enrol' },
      ],
    }
    expect(await decisionOf(free, insists)).toMatchObject({ action: 'enrol', rule: 'all' })
    const { body } = await send('POST', '/policies/replay', { draft: insists })
    for (const { email } of [free, bound]) {
      expect(body.stepped_up.changes).toContainEqual(
        expect.objectContaining({ subject: email, from: { action: 'allow', steps: 0 }, count: 1 }),
      )
    }
  })

  it('are replayed against what was really decided', async () => {
    const subject = await gate.addUser({ email: 'replayed@example.org' })
    await gate.addPhone(subject)
    await gate.login(subject)
    const draft = {
      policies: [{ name: 'shut', when: { subjects: 'replayed@example.org' }, action: 'deny' }],
      otherwise: 'allow',
    }
    const { body } = await send('POST', '/policies/replay', { draft })
    expect(body.denied).toMatchObject({
      count: 1,
      changes: [
        { subject: 'replayed@example.org', from: { action: 'chain', steps: 1 }, to: { action: 'deny' } },
      ],
    })
    expect(body.total).toBe(
      body.unchanged + body.denied.count + body.stepped_up.count + body.let_through.count,
    )
  })
})

describe('the ledger', () => {
  it('is searched newest first, each entry once', async () => {
    for (let index = 0; index < 5; index++) await send('POST', '/companies', { name: `Company ${index}` })
    const seen: number[] = []
    let after = ''
    do {
      const { body } = await get(`/ledger?type=company.created&limit=2${after && `&after=${after}`}`)
      seen.push(...body.items.map(({ seq }: { seq: number }) => seq))
      after = body.next ?? ''
    } while (after)
    const all = await gate.ledgerOf({ type: 'company.created' })
    expect(seen).toEqual(all.map(({ seq }) => seq).toReversed())
    const later = new Date(gate.clock.at + 1).toISOString()
    expect((await get(`/ledger?since=${later}`)).body.items).toEqual([])
    const mine = await get(`/ledger?subject=${admin.subject.id}&limit=500`)
    expect(new Set(mine.body.items.map(({ subject }: { subject: string }) => subject))).toEqual(
      new Set([admin.subject.id]),
    )
  })

  it('is searched for people by their address, which does not enter it by that', async () => {
    const person = await gate.addUser({ email: 'Looked.For@example.org' })
    await gate.login(person)
    const byName = await get('/ledger?subject=looked.for@example.org&type=session.opened')
    expect(byName.body.items).toMatchObject([{ type: 'session.opened', subject: person.id }])
    expect((await get('/ledger?subject=stranger@example.org')).body.items).toEqual([])
    const reads = (await gate.ledgerOf({ type: 'admin.read' })).slice(-2)
    expect(reads).toMatchObject([{ subject: person.id }, { subject: null }])
    expect(JSON.stringify(await gate.ledgerOf())).not.toMatch(/(looked\.for|stranger)@/i)
  })

  it('is exported as lines that verify elsewhere, and verified here', async () => {
    const answer = await get('/ledger/export')
    expect(answer.headers.get('content-type')).toBe('application/x-ndjson')
    const key = JSON.parse(answer.text.split('\n')[0]!).publicKey as string
    const result = await verifyLedger([answer.text], { publicKey: loadLedgerPublicKey(key) })
    expect(result.status).toBe('clean')
    // Nothing was recorded after the record of this very export.
    expect(result.lastSeq).toBe((await gate.ledgerOf({ type: 'admin.read' })).at(-1)!.seq)
    const here = await send('POST', '/ledger/verify')
    expect(here.body).toMatchObject({ status: 'clean', key_from: 'given', first_bad: null })
    const [verified] = await gate.ledgerOf({ type: 'ledger.verified' })
    expect(verified).toMatchObject({ actor: actor(), data: { status: 'clean' } })
  })
})

describe('the settings in force', () => {
  it('are shown without their secrets', async () => {
    const { body, text } = await get('/settings')
    expect(body.settings).toMatchObject({
      roles: ['FINANCE_USER'],
      mail: { smtp: { host: 'mail.example.org', user: 'mailer', password: '(not shown)' } },
    })
    expect(text).not.toContain('canary')
  })
})
