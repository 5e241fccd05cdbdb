import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { loadConfig } from '../cli/src/config.ts'
import { siemOf } from '../cli/src/siem.ts'
import { makeDirectory, type Ran, type Serving, sallyport, serve } from './support/cli.ts'
import { makeSiemCertificates } from './support/siem-certificates.ts'
import { makeSyslogNg, type SyslogReceiver } from './support/syslog-receivers.ts'

vi.setConfig({ testTimeout: 60_000 })

describe('an installation with a SIEM', () => {
  const directory = makeDirectory()
  const at = (name: string) => join(directory.path, name)
  let receiver: SyslogReceiver
  let words: string[]
  let serving: Serving | undefined

  beforeAll(async () => {
    makeSiemCertificates(directory.path)
    receiver = await makeSyslogNg(directory.path, 'received.log')
    await receiver.start()
    configure({})
    words = ['--config', at('sallyport.yaml'), '--data', at('data')]
  })
  afterAll(async () => {
    await serving?.stop('SIGKILL')
    await receiver?.stop('SIGKILL')
    directory.remove()
  })

  function configure(more: object): void {
    const tls = { ca_file: at('ca.pem'), cert_file: at('client.pem'), key_file: at('client.key') }
    const siem = { transport: 'tls', address: `localhost:${receiver.port}`, format: 'cef', tls, ...more }
    writeFileSync(at('sallyport.yaml'), JSON.stringify({ ledger: { checkpoint_every: '1s' }, siem }))
  }
  const findings = ({ out }: Ran) =>
    (JSON.parse(out) as { findings: { check: string; status: string; found: string }[] }).findings.find(
      ({ check }) => check === 'siem',
    )!

  it('ships what is decided, signed checkpoints with it, and says how it stands', async () => {
    const password = 'canary horse battery'
    const create = [
      'user',
      'create',
      ...words,
      '--email',
      'ada@example.org',
      '--role',
      'admin',
      '--password-stdin',
    ]
    expect((await sallyport(create, { input: password })).code).toBe(0)
    serving = await serve(['--port', '0', ...words])
    const body = JSON.stringify({ email: 'ada@example.org', password: 'canary wrong' })
    const headers = { 'content-type': 'application/json' }
    await fetch(`${serving.url}/auth/login`, { method: 'POST', headers, body })
    await vi.waitFor(
      () => {
        const said = receiver.lines().join('\n')
        expect(said).toMatch(/\|password\.refused\|3\|rt=\d+ externalId=\S+:\d+ .*suser=/)
        expect(said).toMatch(/\|ledger\.checkpoint\|.*SallyportCheckpoint=\{"ledger":"/)
      },
      { timeout: 30_000, interval: 200 },
    )
    expect(receiver.lines().join('\n')).not.toContain('canary')
    const metrics = await (await fetch(`${serving.url}/metrics`)).text()
    expect(metrics).toMatch(/^sallyport_siem\{what="sent"\} [1-9]/m)
    expect(metrics).toMatch(/^sallyport_siem\{what="failing"\} 0$/m)
    expect(await serving.stop()).toBe(0)
    const doctor = await sallyport(['doctor', ...words, '--json'])
    expect(findings(doctor)).toMatchObject({
      status: 'ok',
      found: expect.stringMatching(/^tls localhost:\d+ \(cef\); waiting: 0 alerts/),
    })
  })

  it('is tried out by `siem test`, which says what to mend', async () => {
    const good = await sallyport(['siem', 'test', ...words, '--json'])
    expect(good).toMatchObject({ code: 0 })
    const { id } = JSON.parse(good.out) as { id: string }
    await vi.waitFor(() => expect(receiver.lines().join('\n')).toContain(id))
    configure({ tls: { ca_file: at('other-ca.pem') } })
    const bad = await sallyport(['siem', 'test', ...words])
    expect(bad).toMatchObject({
      code: 1,
      err: expect.stringMatching(/^error \(siem_unavailable\): .*siem\.tls\.ca_file/),
    })
    expect((await sallyport(['siem', 'test', '--data', at('data')])).err).toMatch(/no SIEM is configured/)
  })

  it.each([
    [{ format: 'ocsf' }, /siem\.format: with transport tls it is rfc5424 or cef/],
    [{ address: 'siem.example.org' }, /siem\.address: with transport tls it is host:port/],
    [{ address: 'user@siem.example.org:6514' }, /siem\.address/],
    [
      { transport: 'https', format: 'json', address: 'http://siem.example.org/' },
      /siem\.address: .* https:\/\/ URL/,
    ],
    [
      { transport: 'https', format: 'json', address: 'https://u:canary@siem.example.org/' },
      /siem\.address: .* without a user/,
    ],
    [{ tls: { cert_file: 'a' } }, /siem\.tls: name both cert_file and key_file/],
    [{ tls: { ca_file: '/nowhere' } }, /siem\.tls\.ca_file: \/nowhere cannot be read/],
    [{ token_file: 'a' }, /siem\.token_file: a token is sent with transport https only/],
    [{ tls: { verify: false } }, /siem\.tls\.verify: unknown key/],
  ])('refuses %j', (more, message) => {
    configure(more)
    let refusal = ''
    try {
      siemOf(loadConfig({ file: at('sallyport.yaml'), environment: {} }))
    } catch (error) {
      refusal = (error as Error).message
    }
    expect(refusal).toMatch(message)
    expect(refusal).not.toContain('canary')
  })
})
