import { createHmac, randomBytes } from 'node:crypto'
import {
  createOrchestrator,
  encodeSecret,
  matchTotp,
  type OtpAlgorithm,
  parsePolicy,
  timeStep,
  totp,
} from '@sallyport/core'
import { Secret, TOTP } from 'otpauth'
import { verifySync } from 'otplib'
import speakeasy from 'speakeasy'
import type { Contender, Race, Row } from '../harness.ts'
import { rate } from '../timing.ts'

const digits = 6
const period = 30
const window = 1

/** A secret in the form that each library takes with the least work. */
interface Sample {
  bytes: Uint8Array
  hex: string
  otpauth: Secret
  at: number
  right: string
  wrong: string
}

type Verify = (sample: Sample, code: string, algorithm: OtpAlgorithm) => boolean

const policy = parsePolicy({
  mode: 'fixed',
  requiredSteps: 1,
  factors: [{ id: 'phone', label: 'Phone', type: 'totp' }],
})

const libraries: Record<string, Verify> = {
  'matchTotp (ours)': ({ bytes: secret, at: now }, code, algorithm) =>
    matchTotp({ secret, code, now, algorithm, digits, period, window, after: null }) !== null,

  // All that an embedding application does for one sign-in: policy, chain, replay memory, outcome.
  'orchestrator (ours)': ({ bytes: secret, at }, userInput, algorithm) => {
    const chain = createOrchestrator(policy, { clock: { now: () => at }, totp: { algorithm } })
    const [step] = chain.initializeAttempt()
    return chain.verifyStep({ secret, userInput, factorId: step!.id }).isComplete
  },

  otpauth: ({ otpauth: secret, at: timestamp }, token, algorithm) =>
    TOTP.validate({ token, secret, algorithm, digits, period, timestamp, window }) !== null,

  otplib: ({ bytes: secret, at }, token, algorithm) =>
    verifySync({
      ...{ secret, token, digits, period },
      algorithm: algorithm.toLowerCase() as Lowercase<OtpAlgorithm>,
      epoch: at / 1000,
      epochTolerance: window * period,
    }).valid,

  speakeasy: ({ hex: secret, at }, token, algorithm) =>
    speakeasy.totp.verify({
      ...{ secret, token, digits, window },
      encoding: 'hex',
      algorithm: algorithm.toLowerCase(),
      step: period,
      time: at / 1000,
    }),

  'createHmac × 3': ({ bytes, at }, code, algorithm) => {
    const step = timeStep(at, period)
    let matched = false
    for (let counter = step - window; counter <= step + window; counter++) {
      const message = Buffer.alloc(8)
      message.writeBigUInt64BE(BigInt(counter))
      const mac = createHmac(algorithm, bytes).update(message).digest()
      const bits = mac.readUInt32BE(mac.at(-1)! & 0x0f) & 0x7fff_ffff
      if (bits % 10 ** digits === Number(code)) matched = true
    }
    return matched
  },
}

/** A code checked against three time steps, by a library alone: no store, no guard, no ledger. */
export function totpRow(): Row {
  return { name: 'totp', title: 'TOTP verification by a library, ±1 step', prepare: async () => race() }
}

function race(): Race {
  const samples = { SHA1: makeSamples('SHA1'), SHA256: makeSamples('SHA256') }
  const contender = (
    library: string,
    algorithm: keyof typeof samples,
    outcome: 'hit' | 'miss',
  ): Contender => {
    const verify = libraries[library]!
    const expected = outcome === 'hit'
    const drawn = samples[algorithm]
    return {
      name: `${library}, ${algorithm}, ${outcome}`,
      run: async (ms) =>
        rate(ms, (index) => {
          const sample = drawn[index % drawn.length]!
          const code = expected ? sample.right : sample.wrong
          if (verify(sample, code, algorithm) !== expected)
            throw new Error(`${library} misjudged a ${outcome}`)
        }),
    }
  }
  const contenders = Object.keys(libraries).flatMap((library) =>
    (['SHA1', 'SHA256'] as const).flatMap((algorithm) =>
      (['miss', 'hit'] as const).map((outcome) => contender(library, algorithm, outcome)),
    ),
  )
  return { contenders, claims: [...claimsOf('SHA1'), ...claimsOf('SHA256')] }
}

function claimsOf(algorithm: 'SHA1' | 'SHA256'): Race['claims'] {
  const cell = (library: string, outcome: string) =>
    [`${library}, ${algorithm}, ${outcome}`, 'per CPU second'] as const
  const ours = 'matchTotp (ours)'
  const whole = 'orchestrator (ours)'
  const against = (library: string, outcome: string) => ({
    text: `matchTotp ÷ ${library}, ${algorithm}, ${outcome}`,
    of: cell(ours, outcome),
    per: cell(library, outcome),
  })
  return [
    { ...against('otpauth', 'miss'), atLeast: 1.5 },
    against('otpauth', 'hit'),
    against('otplib', 'miss'),
    against('speakeasy', 'miss'),
    against('createHmac × 3', 'miss'),
    {
      text: `matchTotp, hit ÷ miss, ${algorithm} (constant work)`,
      of: cell(ours, 'hit'),
      per: cell(ours, 'miss'),
      atLeast: 0.9,
      atMost: 1.1,
    },
    { text: `otpauth, hit ÷ miss, ${algorithm}`, of: cell('otpauth', 'hit'), per: cell('otpauth', 'miss') },
    {
      text: `orchestrator ÷ otpauth, ${algorithm}, miss`,
      of: cell(whole, 'miss'),
      per: cell('otpauth', 'miss'),
    },
  ]
}

/** Many, so that nothing is gained by remembering the last one. */
function makeSamples(algorithm: OtpAlgorithm): Sample[] {
  return Array.from({ length: 64 }, (_, index) => {
    const bytes = new Uint8Array(randomBytes(20))
    const at = Date.UTC(2026, 10, 9) + index * 77_000
    const codes = [-1, 0, 1].map((steps) =>
      totp({ secret: bytes, at: at + steps * period * 1000, algorithm, digits, period }),
    )
    return {
      ...{ bytes, at },
      hex: Buffer.from(bytes).toString('hex'),
      otpauth: Secret.fromBase32(encodeSecret(bytes)),
      right: codes[1]!,
      wrong: ['000000', '111111', '222222', '333333'].find((code) => !codes.includes(code))!,
    }
  })
}
