import { createWebauthnVerifier } from '@sallyport/adapters'
import {
  createAttempts,
  createWebauthnEnrolments,
  createWebauthnFactor,
  parseGatePolicies,
  systemRandom,
} from '@sallyport/core'
import { verifyAuthenticationResponse } from '@simplewebauthn/server'
import type { Contender, Figures, Row } from '../harness.ts'
import { openOnSqlite, type Product } from '../product.fixture.ts'
import { makeSecurityKey } from '../security-key.fixture.ts'
import { callers } from '../timing.ts'
import { demand } from '../walker.ts'

const rp = { id: 'example.org', name: 'Bench', origins: ['https://example.org'] }
const policies = parseGatePolicies({
  mode: 'fixed',
  requiredSteps: 1,
  factors: [{ id: 'key', label: 'Key', type: 'webauthn' }],
})

const bare = 'bare verifyAuthenticationResponse'
const checks = 'our factor, no store'
const whole = 'start + verify, stored'

/** What our own checks add to the library's, and what an attempt adds to those: three durable commits. */
export function webauthnRow(): Row {
  return {
    name: 'webauthn',
    title: 'a security key, verified',
    async prepare() {
      const product = await openOnSqlite()
      const contenders = (await contendersOn(product)).map(
        ([name, work]): Contender => ({ name, run: (ms) => withProcessorTime(ms, work) }),
      )
      const claims = [
        {
          text: 'our checks ÷ the library alone, processor time',
          of: [checks, 'CPU µs'] as const,
          per: [bare, 'CPU µs'] as const,
          atMost: 1.5,
        },
        {
          text: 'a whole stored step ÷ the library alone, processor time',
          of: [whole, 'CPU µs'] as const,
          per: [bare, 'CPU µs'] as const,
        },
      ]
      return { contenders, claims, close: product.close }
    },
  }
}

/** Of the whole process: the signature is checked on another thread. */
async function withProcessorTime(ms: number, work: () => Promise<void>): Promise<Figures> {
  let done = 0
  const begun = process.cpuUsage()
  const figures = await callers({ ms, count: 1 }, async () => {
    await work()
    done++
  })
  const { user, system } = process.cpuUsage(begun)
  return { ...figures, 'CPU µs': (user + system) / done }
}

/**
 * One signature, judged again and again: the key does not count, and the challenges are stand-ins that
 * never end, so that no contender pays for making a new one.
 */
async function contendersOn(product: Product): Promise<[string, () => Promise<void>][]> {
  const { store, vault, clock } = product
  const random = systemRandom
  let spent = 0
  const challenges = {
    issue: async () => 'AAAAAAAAAAAAAAAAAAAAAA',
    check: async () => `bench:${spent++}`,
    derive: async () => Buffer.alloc(64),
  }
  const shared = { store, vault, clock, random, challenges, verifier: createWebauthnVerifier() }
  const relyingParty = async () => rp
  const factor = createWebauthnFactor({ ...shared, relyingParty, userVerification: false })
  const settings = {
    userVerification: 'preferred',
    attestation: 'none',
    aaguids: [],
    lifetime: 300_000,
  } as const
  const enrolments = createWebauthnEnrolments({ ...shared, ...settings, relyingParty })
  const subject = await product.addSubject()
  const key = makeSecurityKey({ origin: rp.origins[0]!, counts: false })
  const begun = await enrolments.begin({ subject, account: 'a', name: 'Key', asFirst: false })
  if (begun.status !== 'begun') throw new Error('keys are off')
  const done = await enrolments.confirm({ subject, response: key.create(begun.options) })
  if (done.status !== 'confirmed') throw new Error(`the key is ${done.status}`)
  const { enrolment } = done
  const asked = await enrolments.request({ subject, for: { gate: 'bench' } })
  const response = key.get(asked)
  const secret = await vault.open({ subject: subject.id, purpose: 'webauthn', sealed: enrolment.sealed! })
  const attempts = createAttempts({ store, vault, clock, random, factors: [factor] })
  const claim = {
    enrolment,
    secret,
    input: response,
    now: clock.at,
    asked: { application: 'a', binding: 'b' },
  }
  const credential = { id: response.id, publicKey: new Uint8Array(secret), counter: 0 }
  const expected = {
    expectedChallenge: 'AAAAAAAAAAAAAAAAAAAAAA',
    ...{ expectedOrigin: rp.origins[0]!, expectedRPID: rp.id, requireUserVerification: false },
  }
  return [
    [
      bare,
      async () =>
        demand(
          String((await verifyAuthenticationResponse({ response, credential, ...expected })).verified),
          'true',
        ),
    ],
    [checks, async () => demand(String((await factor.verify(claim)) !== null), 'true')],
    [
      whole,
      async () => {
        const started = await attempts.start({ gate: 'bench', purpose: 'sign-in', subject, policies })
        if (started.status !== 'pending') throw new Error(`the attempt is ${started.status}`)
        const { status } = await attempts.verify({ attemptId: started.attempt.id, input: response })
        demand(status, 'complete')
      },
    ],
  ]
}
