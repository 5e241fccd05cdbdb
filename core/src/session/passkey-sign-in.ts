import type { Attempt } from '../chain/attempt.ts'
import type { Attempts } from '../chain/attempts.ts'
import { parsePolicy } from '../chain/policy.ts'
import type { GatePolicies } from '../chain/rules.ts'
import type { CredentialDescriptor, RequestOptions } from '../enrolment/webauthn-options.ts'
import { type Factor, isUsable } from '../factors/factor.ts'
import {
  credentialOf,
  passkeyBinding,
  type RelyingParty,
  type WebauthnChallenges,
} from '../factors/webauthn.ts'
import type { Enrolment, Store, Tx } from '../store.ts'
import { canonicalAlias, loginApplication, loginGate } from '../subject/subjects.ts'
import type { SignInRisk } from '../threat/sign-in-risk.ts'
import type { Devices } from './devices.ts'

export interface PasskeyRequest<Grant> {
  response: unknown
  /** Where from, as policies ask it. */
  address: string
  userAgent: string | null
  /** What the attempt yields, made in the commit that completes it. */
  grant(tx: Tx, attempt: Attempt): Promise<Grant>
}

export type PasskeyOutcome<Grant> =
  | { status: 'complete'; grant: Grant; subjectId: string }
  /** No policy lets a passkey of this person pass the whole chain, from there and then. */
  | { status: 'denied' }
  /** `why` where the response itself is at fault; without it, nobody is told what it is. */
  | { status: 'rejected'; why: string | null }

export interface PasskeySignIn {
  /**
   * What a page asks its browser for. With a name, credentials that are kept on no authenticator can answer
   * too; whoever has none is answered like somebody who has. `null` where no policy lets passkeys in.
   */
  begin(request: { name?: string }): Promise<RequestOptions | null>
  finish<Grant>(request: PasskeyRequest<Grant>): Promise<PasskeyOutcome<Grant>>
  /** Whose passkey a response claims to be of; `null` for nobody's. */
  claimedBy(response: unknown): Promise<string | null>
}

export interface PasskeySignInOptions {
  store: Store
  attempts: Attempts
  challenges: WebauthnChallenges
  relyingParty(application: string): Promise<RelyingParty | null>
  policies: GatePolicies
  risk: SignInRisk
  devices: Pick<Devices, 'enabled'>
  factor: Pick<Factor, 'wellFormed'>
  /** How long a person has to answer, in milliseconds. */
  lifetime: number
}

const passkeyChain = parsePolicy({
  mode: 'fixed',
  requiredSteps: 1,
  factors: [{ id: 'passkey', label: 'Passkey', type: 'webauthn' }],
})

/** In bytes: what authenticators of today make. */
const decoyLengths = [16, 20, 32, 48]
/** Whoever has two keys or three is not told from strangers by it. */
const decoyCounts = [1, 1, 1, 1, 1, 2, 2, 3]

/** Signing in by a passkey alone, where the policy says that one passes the whole chain. */
export function createPasskeySignIn(options: PasskeySignInOptions): PasskeySignIn {
  const { store, attempts, challenges, relyingParty, risk, devices, factor } = options
  const { lifetime: timeout } = options
  const policies = passkeyPolicies(options.policies)

  const begin: PasskeySignIn['begin'] = async ({ name }) => {
    const rp = await relyingParty(loginApplication)
    if (!rp || !policies) return null
    return {
      challenge: await challenges.issue(passkeyBinding),
      rpId: rp.id,
      allowCredentials: name === undefined ? [] : await credentialsOf(name),
      timeout,
      userVerification: 'required',
    }
  }

  /** Without how they are reached, which would tell real ones from others. */
  async function credentialsOf(name: string): Promise<CredentialDescriptor[]> {
    const alias = canonicalAlias(name) ?? ''
    const decoys = await decoysOf(alias)
    const ids = await store.read(async (tx) => {
      const subject = await tx.subjects.findByAlias(loginApplication, alias)
      const filter = { status: 'active', factor: 'webauthn' } as const
      const held = subject ? await tx.enrolments.listBySubject(subject.id, filter) : []
      return held.filter(isUsable).map((enrolment) => credentialOf(enrolment).credential_id)
    })
    return (ids.length > 0 ? ids : decoys).map((id) => ({ type: 'public-key', id }))
  }

  async function decoysOf(alias: string): Promise<string[]> {
    const [first] = await challenges.derive(`passkey decoys:${alias}`)
    const count = decoyCounts[first! % decoyCounts.length]!
    const derived = Array.from({ length: count }, (_, at) =>
      challenges.derive(`passkey decoy ${at}:${alias}`),
    )
    return (await Promise.all(derived)).map((bytes) => {
      const length = decoyLengths[bytes[0]! % decoyLengths.length]!
      return bytes.toString('base64url', 1, 1 + length)
    })
  }

  const finish: PasskeySignIn['finish'] = async ({ response, address, userAgent, grant }) => {
    if (!policies) return { status: 'denied' }
    const found = await findCredential(response)
    const subject = found && (await store.read((tx) => tx.subjects.find(found.subjectId)))
    // Whatever is judged is a signature: a stranger's junk must not cost the owner a guess.
    if (!subject || subject.disabledAt !== null) return { status: 'rejected', why: 'credential' }
    const place = { subjectId: subject.id, address, userAgent, deviceTrusted: false, attacks: [] }
    const assessed = await store.read((tx) => risk.assess(tx, place))
    // What is unknown matches no rule: a browser counts as new, so that none that asks is passed over.
    const facts = {
      address,
      newDevice: devices.enabled ? true : null,
      risk: assessed.score,
      riskReasons: assessed.reasons.map(({ reason }) => reason),
    }
    const outcome = await attempts.prove({
      ...{ gate: loginGate, purpose: 'passkey', subject, policies, binding: passkeyBinding },
      ...{ method: 'webauthn', input: response, facts },
      grant: async (tx, attempt) => {
        await risk.keep(tx, { ...assessed, id: attempt.id, subjectId: subject.id, complete: true })
        return grant(tx, attempt)
      },
    })
    if (outcome.status === 'complete') {
      return { status: 'complete', grant: outcome.grant, subjectId: subject.id }
    }
    if (outcome.status === 'rejected') return { status: 'rejected', why: outcome.why }
    if (outcome.status === 'denied') return { status: 'denied' }
    return { status: 'rejected', why: null }
  }

  async function findCredential(response: unknown): Promise<Enrolment | null> {
    const { id } = response as { id?: unknown }
    if (typeof id !== 'string') return null
    const enrolment = await store.read(async (tx) => {
      const enrolmentId = await tx.credentials.find(loginApplication, id)
      return enrolmentId === null ? null : tx.enrolments.find(enrolmentId)
    })
    const good =
      enrolment?.status === 'active' && isUsable(enrolment) && factor.wellFormed(response, enrolment)
    return good ? enrolment : null
  }

  const claimedBy = async (response: unknown) => (await findCredential(response))?.subjectId ?? null

  return { begin, finish, claimedBy }
}

/**
 * The same rules under the same conditions, each with what it makes of a passkey: the one step, or nothing.
 * `null` where none lets one in.
 */
function passkeyPolicies({ rules }: GatePolicies): GatePolicies | null {
  if (!rules.some((rule) => rule.passkey)) return null
  return {
    rules: rules.map(({ name, when, passkey }) =>
      passkey
        ? { name, when, action: 'chain', chain: passkeyChain, tooFew: 'deny', trustedDevices: false }
        : { name, when, action: 'deny' },
    ),
    otherwise: 'deny',
  }
}
