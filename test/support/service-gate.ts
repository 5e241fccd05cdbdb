import { createHash } from 'node:crypto'
import {
  createBlocks,
  createEmailCodes,
  createEmailFactor,
  createOutbox,
  createSessions,
  createSuspicion,
  createThreatLog,
  createValidationServer,
  decodeSecret,
  defaultDetectorSettings,
  defaultEnforcement,
  defaultRapidLimits,
  randomId,
  type SuspicionReport,
  systemRandom,
} from '@sallyport/core'
import { createHttpGate, type GateServices } from '@sallyport/gate-http'
import { codeOf, type HarnessOptions, openHarness } from './harness.ts'

const hour = 3_600_000

export interface Answer {
  status: number
  headers: Headers
  // biome-ignore lint/suspicious/noExplicitAny: what came over the wire is what the tests look at
  body: any
}

export type ServiceGate = Awaited<ReturnType<typeof openServiceGate>>

/** The HTTP gate on a port of the loopback, with a clock that the test turns and a postbox for its mail. */
export async function openServiceGate(options: HarnessOptions) {
  const harness = await openHarness({ ...options, factors: [createEmailFactor()] })
  const { store, clock } = harness
  const sent: { to: string; text: string }[] = []
  const log = { warn: () => undefined, error: (facts: object) => console.error(facts) }
  const parts = { ...harness, random: systemRandom, issuer: 'Test', log }
  const mailer = { send: async (letter: { to: string; text: string }) => void sent.push(letter) }
  const outbox = createOutbox({ ...parts, mailer })
  const reports: SuspicionReport[] = []
  const offences: { address: string; reason: string }[] = []
  const suspicion = createSuspicion({
    ...{ ...parts, enabled: true, detector: defaultDetectorSettings, rapid: defaultRapidLimits },
    ...{ threshold: 5, within: 3_600_000 },
    record: (report) => void reports.push(report),
    block: async (offence) => void offences.push(offence),
  })
  const threatLog = createThreatLog(parts)
  const limits = {
    enabled: true,
    failures: 10,
    within: hour,
    blockFor: hour,
    longest: hour,
    repeatWithin: hour,
  }
  const services: Partial<GateServices> = {
    suspicion,
    ...parts,
    blocks: createBlocks({ ...parts, threatLog, limits, exempt: [], tracked: 1_000 }),
    threatLog,
    outbox,
    emailCodes: createEmailCodes({ ...parts, outbox }),
    sessions: createSessions(parts),
    enforcement: defaultEnforcement,
    validationServer: createValidationServer(parts),
    readiness: {},
  }
  const config = {
    version: 'test',
    issuer: 'http://127.0.0.1',
    publicUrl: 'http://127.0.0.1',
    trustedProxies: [],
    secureCookies: false,
    totpIssuer: 'Test',
    roles: [],
    policySource: 'default' as const,
    settings: {},
    blockFor: 3_600_000,
    pages: null,
  }
  // What only the login surface needs is left out: nothing here calls it.
  const gate = createHttpGate(config, services as GateServices)
  const server = await gate.listen({ host: '127.0.0.1', port: 0 })

  async function addKey(application = 'pbx', scopes = ['mfa:read', 'mfa:write']) {
    const key = `spk_${Buffer.from(systemRandom.bytes(32)).toString('base64url')}`
    const id = randomId(systemRandom)
    await store.transaction(async (tx) => {
      const issuer = `${application} Inc.`
      await tx.applications.insert({
        name: application,
        issuer,
        rpId: null,
        origins: [],
        createdAt: clock.now(),
      })
      await tx.apiKeys.insert({
        id,
        application,
        name: 'test',
        hash: createHash('sha256').update(key).digest('hex'),
        scopes,
        createdAt: clock.now(),
        revokedAt: null,
        lastUsedAt: null,
      })
    })
    return { id, key, ...callsWith(server.url, key) }
  }

  return {
    ...harness,
    url: server.url,
    outbox,
    sent,
    suspicion,
    reports,
    offences,
    addKey,
    async close() {
      await server.close()
      await harness.close()
    },
  }
}

/** Calls as an application makes them. */
export function callsWith(url: string, key: string) {
  async function call(method: string, path: string, body?: unknown): Promise<Answer> {
    const response = await fetch(`${url}/api/mfa/${path}`, {
      method,
      headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json' },
      ...(body !== undefined && { body: typeof body === 'string' ? body : JSON.stringify(body) }),
    })
    return { status: response.status, headers: response.headers, body: await response.json() }
  }
  return {
    post: (path: string, body: unknown) => call('POST', path, body),
    get: (path: string) => call('GET', path),
    delete: (path: string) => call('DELETE', path),
  }
}

export type Client = ReturnType<typeof callsWith>

export interface Enrolled {
  secret: Uint8Array
  backupCodes: string[]
  code(at: number): string
}

/** Enrols an authenticator and confirms it by the code of this moment, which is used up by that. */
export async function enrol(client: Client, extension: string, at: number): Promise<Enrolled> {
  const { body } = await client.post('enroll', { extension })
  const secret = decodeSecret(body.secret)
  const confirmed = await client.post('verify-enrollment', { extension, code: codeOf(secret, at) })
  if (confirmed.status !== 200) throw new Error(`the enrolment was not confirmed: ${confirmed.status}`)
  return { secret, backupCodes: body.backup_codes, code: (moment) => codeOf(secret, moment) }
}
