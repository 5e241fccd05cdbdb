import { execFileSync, spawn } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import {
  createSubject,
  defaultLoginPolicies,
  defaultTotpSettings,
  loginApplication,
  newTotpSecret,
  parseGatePolicies,
  randomId,
  type Subject,
} from '@sallyport/core'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { makeDirectory, sallyport, sallyportJson } from './support/cli.ts'
import { addSubject, openInstallation } from './support/installation.ts'

// A process each, on whatever machine this is.
vi.setConfig({ testTimeout: 120_000 })

const directory = makeDirectory()
const data = join(directory.path, 'data')
afterAll(() => directory.remove())

function write(name: string, text: string | Buffer): string {
  writeFileSync(join(directory.path, name), text)
  return join(directory.path, name)
}

const good = `
policies:
  - name: guests stay out
    when: { roles: GUEST }
    action: deny
  - name: office
    when: { address: 198.51.100.0/24, gate: login }
    action: allow
  - name: everyone else
    action: chain
    too_few: enrol
    chain:
      mode: fixed
      required_steps: 2
      factors:
        - { id: app, label: Authenticator, type: totp }
        - { id: spare, label: Second authenticator, type: totp }
otherwise: deny
`

describe('policy check', () => {
  it('finds a policy file valid, in YAML and in JSON, and a bare chain', async () => {
    const valid = await sallyport(['policy', 'check', write('good.yaml', good)])
    expect(valid).toEqual({
      code: 0,
      out: 'valid: guests stay out (deny), office (allow), everyone else (chain); otherwise deny\n',
      err: '',
    })
    const chain = { mode: 'random', required_steps: 1, factors: [{ id: 'a', label: 'A', type: 'totp' }] }
    const json = write('chain.json', JSON.stringify(chain, null, '\t'))
    expect(await sallyportJson(['policy', 'check', json])).toEqual({
      valid: true,
      rules: [{ name: 'default', action: 'chain' }],
      otherwise: 'deny',
    })
  })

  it('names the path of every fault', async () => {
    const file = write(
      'faulty.yaml',
      `
policies:
  - name: one
    action: chain
    chain:
      mode: shuffled
      required_steps: 4
      factors:
        - { id: a, label: A, type: totp }
        - { id: b, label: B, type: retina }
        - { id: a, label: "", type: totp, colour: red }
  - { name: one, action: allow, chain: {} }
  - { name: three, action: deny, when: { address: 300.1.1.1, hours: never, risk: "> 5", roles: [] } }
otherwise: maybe
`,
    )
    const { code, out, err } = await sallyport(['policy', 'check', file])
    expect({ code, out }).toEqual({ code: 1, out: '' })
    const asJson = await sallyport(['policy', 'check', file, '--json'])
    const { error } = JSON.parse(asJson.err)
    expect(error.code).toBe('policy_invalid')
    const paths = error.faults.map(({ path }: { path: string }) => path)
    expect(paths.sort()).toEqual([
      'otherwise',
      'policies[0].chain.factors[1].type',
      'policies[0].chain.factors[2].colour',
      'policies[0].chain.factors[2].id',
      'policies[0].chain.factors[2].label',
      'policies[0].chain.mode',
      'policies[0].chain.required_steps',
      'policies[1].chain',
      'policies[1].chain.factors',
      'policies[1].chain.mode',
      'policies[1].chain.requiredSteps',
      'policies[1].name',
      'policies[2].when.address',
      'policies[2].when.hours',
      'policies[2].when.risk',
      'policies[2].when.roles',
    ])
    for (const path of paths) expect(err).toContain(`\n${path}: `)
    expect(err).toContain('policies[0].chain.factors[2].id: duplicate of factors[0].id')
  })

  it.each([
    ['a file that is not there', 'gone.yaml', null, /gone\.yaml: cannot be read \(ENOENT\)/],
    ['a directory', '.', null, /cannot be read \(EISDIR\)/],
    ['what is no YAML', 'broken.yaml', 'a: [1, 2\nb: }\n', /broken\.yaml:2: /],
    [
      'the same key twice',
      'twice.yaml',
      `${good}otherwise: allow\n`,
      /twice\.yaml:\d+: "otherwise" is there already/,
    ],
    ['a list', 'list.yaml', '- a\n', /must be a mapping/],
    ['an empty file', 'empty.yaml', '', /policies: required/],
    [
      'an inherited name',
      'proto.yaml',
      'policies: []\n__proto__: {}\nconstructor: {}\n',
      /^__proto__: unknown key\nconstructor: unknown key$/m,
    ],
  ])('refuses %s', async (_, name, text, message) => {
    if (text !== null) write(name, text)
    const { code, out, err } = await sallyport(['policy', 'check', join(directory.path, name)])
    expect({ code, out }).toEqual({ code: 1, out: '' })
    expect(err).toMatch(message)
  })

  const bomb = Array.from(
    { length: 12 },
    (_, n) => `a${n}: &a${n} [${Array(9).fill(n === 0 ? 'x' : `*a${n - 1}`)}]`,
  )
  const keys = (count: number) => Array.from({ length: count }, (_, n) => `  k${n}: 1`).join('\n')
  it.each([
    ['references to references', () => bomb.join('\n')],
    ['a flood of merge keys', () => `base: &b\n${keys(2_000)}\nitems:\n${'  - <<: *b\n'.repeat(5_000)}`],
    ['10 MB of comment', () => `mode: fixed\n#${'x'.repeat(10 << 20)}`],
    ['100,000 open brackets', () => `mode: ${'['.repeat(100_000)}`],
    ['100,000 nested lists', () => `mode: ${'['.repeat(100_000)}${']'.repeat(100_000)}`],
    ['nested JSON', () => `${'{"mode":'.repeat(20_000)}1${'}'.repeat(20_000)}`],
    ['lists begun on one line', () => '- '.repeat(100_000)],
    ['keys begun on one line', () => '? '.repeat(100_000)],
    ['25,000 times the same key', () => 'a: 1\n'.repeat(25_000)],
    ['10,000 keys', () => keys(10_000)],
    ['20,000 faults', () => 'a: [1,\nb: }\n'.repeat(10_000)],
    ['15,000 steps', () => `mode: fixed\nfactors: [${Array(15_000).fill('{id: a}')}]`],
  ])('refuses %s, in little memory', async (_, text) => {
    const file = write('hostile.yaml', text())
    const { code, out, err, peak } = await measured(['policy', 'check', file])
    expect({ code, out }).toEqual({ code: 1, out: '' })
    expect(err).toMatch(/^error \((config|policy)_invalid\): /)
    expect(err).not.toMatch(/stack|RangeError/i)
    expect(err.length).toBeLessThan(20_000)
    expect(peak).toBeLessThan(300 * 1024)
  })

  it('reads no more of an endless file than it would use', async () => {
    expect((await sallyport(['policy', 'check', '/dev/zero'])).err).toContain(
      'is larger than the 131072 bytes',
    )
  })
})

/** Runs the command and answers its largest resident size in KiB. */
async function measured(words: string[]) {
  const main = new URL('../cli/src/main.ts', import.meta.url).pathname
  const report = join(directory.path, 'peak')
  const hook = write(
    'peak.mjs',
    `import { writeFileSync } from 'node:fs'
     process.on('exit', () => writeFileSync(${JSON.stringify(report)}, String(process.resourceUsage().maxRSS)))`,
  )
  const child = spawn(process.execPath, ['--import', hook, main, ...words])
  let [out, err] = ['', '']
  child.stdout.on('data', (chunk) => (out += chunk))
  child.stderr.on('data', (chunk) => (err += chunk))
  const code = await new Promise((resolve) => child.once('close', resolve))
  return { code, out, err, peak: Number(execFileSync('cat', [report], { encoding: 'utf8' })) }
}

describe('policy explain and replay', () => {
  beforeAll(async () => {
    const installation = await openInstallation(data)
    const { store, vault, random, clock, attempts } = installation
    const subjects: Record<string, Subject> = {}
    for (const [name, role] of [
      ['alice', 'admin'],
      ['bob', 'GUEST'],
    ] as const) {
      const wanted = { application: loginApplication, ref: name, role, email: `${name}@example.org` }
      subjects[name] = await store.transaction((tx) => createSubject(wanted, { tx, clock, random }))
    }
    for (const [name, count] of [
      ['alice', 2],
      ['bob', 1],
    ] as const) {
      for (let n = 0; n < count; n++) {
        const { id: subjectId } = subjects[name]!
        const plaintext = newTotpSecret(random)
        const now = clock.now()
        await store.transaction((tx) =>
          tx.enrolments.insert({
            id: randomId(random),
            subjectId,
            factor: 'totp',
            name: 'phone',
            status: 'active',
            sealed: vault.seal({ subject: subjectId, purpose: 'totp', plaintext }),
            settings: { ...defaultTotpSettings },
            createdAt: now,
            confirmedAt: now,
            revokedAt: null,
            lastUsedAt: null,
            expiresAt: null,
          }),
        )
      }
    }
    const begin = (name: string, address: string, policies = defaultLoginPolicies) =>
      attempts.start({
        gate: 'login',
        purpose: 'sign-in',
        subject: subjects[name]!,
        policies,
        facts: { address },
      })
    for (let n = 0; n < 3; n++) await begin('alice', '203.0.113.7')
    await begin('alice', '198.51.100.9')
    await begin('bob', '203.0.113.8')
    await begin('bob', '203.0.113.8', parseGatePolicies({ policies: [{ name: 'no', action: 'deny' }] }))
    await addSubject(installation, 'nobody-enrolled')
    await installation.close()
  })

  it('says which rule applies and why', async () => {
    const file = write('good.yaml', good)
    const words = ['policy', 'explain', '--data', data, '--subject', 'alice', '--gate', 'login']
    const { code, out } = await sallyport([...words, '--ip', '203.0.113.7', '--policy', file])
    expect(code).toBe(0)
    expect(out).toBe(`guests stay out (deny): does not match
  no   roles: asks for GUEST; is admin
office (allow): does not match
  yes  gate: asks for login; is login
  no   address: asks for 198.51.100.0/24; is 203.0.113.7
everyone else (chain): applies
decision: chain by everyone else, 2 of [totp, totp] in fixed order
  the rule has no conditions
`)
    const office = await sallyportJson([...words, '--ip', '198.51.100.1', '--policy', file])
    expect(office).toMatchObject({ decision: { action: 'allow', rule: 'office' } })
    expect(await sallyportJson([...words, '--ip', '203.0.113.7'])).toMatchObject({
      decision: { action: 'chain', rule: 'default' },
    })
  })

  it('explains by the policies and the enforcement that the configuration names', async () => {
    const configuration = {
      login_policies: write('in-force.yaml', good),
      security: { mfa: { required: true, grace: '0s' } },
    }
    const config = ['--config', write('sallyport.yaml', JSON.stringify(configuration))]
    const explain = async (name: string, ...words: string[]) =>
      (
        await sallyportJson<{ decision: object }>([
          ...['policy', 'explain', '--data', data, '--subject', name],
          ...words,
        ])
      ).decision
    expect(await explain('alice', ...config)).toMatchObject({ action: 'chain', rule: 'everyone else' })
    const inside = ['--ip', '198.51.100.1']
    expect(await explain('nobody-enrolled', ...inside)).toMatchObject({ action: 'allow', rule: 'default' })
    expect(await explain('nobody-enrolled', ...config, ...inside)).toMatchObject({
      action: 'enrol',
      rule: 'office',
    })
  })

  it.each([
    ['an unknown subject', ['--subject', 'eve'], 'not_found'],
    ['an address that is none', ['--subject', 'alice', '--ip', 'here'], 'invalid_input'],
    ['a score that is none', ['--subject', 'alice', '--risk', '101'], 'invalid_input'],
  ])('refuses %s', async (_, words, expected) => {
    const { code, err } = await sallyport(['policy', 'explain', '--data', data, ...words, '--json'])
    expect({ code, expected: JSON.parse(err).error.code }).toEqual({ code: 1, expected })
  })

  it("decides the ledger's real attempts again by a draft", async () => {
    const words = ['policy', 'replay', write('good.yaml', good), '--days', '30', '--data', data]
    const { code, out } = await sallyport(words)
    expect(code).toBe(0)
    expect(out).toContain('6 attempts in 30 days; 1 would be decided the same')
    expect(out).toMatch(/1 newly denied\n {2}bob: 1× 1 step → deny by guests stay out/)
    expect(out).toMatch(/3 stepped up\n {2}alice: 3× 1 step → 2 steps by everyone else/)
    expect(out).toMatch(/1 let through\n {2}alice: 1× 1 step → allow by office/)
    expect(await sallyportJson(words)).toMatchObject({
      total: 6,
      unchanged: 1,
      denied: { count: 1 },
      steppedUp: { count: 3 },
      letThrough: { count: 1 },
    })
  })

  it('refuses a span of days that is none', async () => {
    for (const days of ['0', '3651', '1.5', 'all']) {
      const words = ['policy', 'replay', write('good.yaml', good), '--days', days, '--data', data]
      expect((await sallyport(words)).err).toContain('--days: must be a whole number from 1 to 3650')
    }
  })
})
