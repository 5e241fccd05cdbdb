import { formatAddress, parseAddress, parseGatePolicies, type Subject, type Tx } from '@sallyport/core'
import { serviceRoutes } from '@sallyport/protocol'
import type { AddressGuard } from '../address-guard.ts'
import type { Binder } from '../bind.ts'
import { Refusal, refuseUntil, wrongCode } from '../refusal.ts'
import type { GateServices } from '../services.ts'
import { actorOf, done, findNamed, readName, unknownSubject } from './naming.ts'

type Method = 'totp' | 'email' | 'backup' | 'yubikey' | 'webauthn'

interface Proof {
  subject: Subject | null
  purpose: string
  /** A code, or a security key's response. */
  input: unknown
  method: Method | undefined
  clientIp?: string | undefined
  grant?: (tx: Tx) => Promise<undefined>
}

/** One step, by whatever the subject has: which of them, the code's look decides, or the method named. */
const policies = parseGatePolicies({
  mode: 'fixed',
  required_steps: 1,
  factors: [{ id: 'any', label: 'Any factor', any_of: ['totp', 'email', 'backup', 'yubikey', 'webauthn'] }],
})

/** Codes: verified, asked for by mail, and what they open: the removal of all factors. */
export function registerVerification(bind: Binder, services: GateServices, guard: AddressGuard): void {
  const { store, clock, attempts, blocks, enrolments, emailCodes, outbox, webauthn } = services

  bind(serviceRoutes.verify, async ({ caller, body }) => {
    const named = readName(caller, body)
    if (named instanceof Refusal) return named
    const clientIp = body.client_ip === undefined ? undefined : spellAddress(body.client_ip)
    if (clientIp instanceof Refusal) return clientIp
    const blocked = clientIp === undefined ? null : guard.refuseGuess(clientIp)
    if (blocked) return blocked
    const { code, response, method } = body
    const subject = await findNamed(store, named)
    const proof = await prove({ subject, purpose: 'verify', input: code ?? response, method, clientIp })
    if (clientIp !== undefined)
      await note(proof, { subject, address: clientIp, application: named.key.application })
    return proof instanceof Refusal ? proof : { ...done, method: proof }
  })

  bind(serviceRoutes.disable, async ({ caller, body }) => {
    const named = readName(caller, body)
    if (named instanceof Refusal) return named
    const { key } = named
    const subject = await findNamed(store, named)
    const { code, response, method, reason } = body
    const input = code ?? response
    if (input === undefined) {
      if (!key.scopes.includes('admin')) {
        return new Refusal('forbidden', 'without a code this needs an API key with the scope admin')
      }
      if (!subject) return unknownSubject()
      const removal = { subject, actor: actorOf(key), ...(reason !== undefined && { reason }) }
      await store.transaction((tx) => enrolments.removeAll(tx, removal))
      return done
    }
    const grant = async (tx: Tx) => {
      if (subject) await enrolments.removeAll(tx, { subject, actor: actorOf(key) })
      return undefined
    }
    const proof = await prove({ subject, purpose: 'disable', input, method, grant })
    return proof instanceof Refusal ? proof : done
  })

  bind(serviceRoutes.challenge, async ({ caller, body }) => {
    const named = readName(caller, body)
    if (named instanceof Refusal) return named
    const subject = await findNamed(store, named)
    if (body.method === 'webauthn') {
      const options = subject && (await webauthn?.request({ subject, for: { gate: 'service' } }))
      return options ?? new Refusal('nothing_enrolled', 'this subject has no security key')
    }
    const sent = subject && (await emailCodes.send({ subject, purpose: 'sign-in' }))
    if (sent?.status === 'too_many') {
      const wait = { until: sent.until, now: clock.now() }
      return refuseUntil('too_many_attempts', 'as many codes were mailed as are allowed for now', wait)
    }
    if (sent?.status !== 'sent') {
      return new Refusal('nothing_enrolled', 'this subject has no address that a code may go to')
    }
    return { ...done, method: 'email' as const, expires_in_minutes: 10 }
  })

  /** What a verification says of the person's address; the application's own is nobody's. */
  async function note(
    proof: Method | Refusal,
    from: { subject: Subject | null; address: string; application: string },
  ): Promise<void> {
    const { subject, address, application } = from
    const subjectId = subject?.id ?? null
    if (proof instanceof Refusal) await blocks.failed({ address, subjectId, application, reason: proof.code })
    else if (subjectId !== null) await blocks.succeeded({ address, subjectId })
  }

  /** The one path, in one go. Whoever has nothing to prove with gets the answer of a first wrong guess. */
  async function prove(proof: Proof): Promise<Method | Refusal> {
    const { subject, purpose, input, method, clientIp, grant } = proof
    const asFirst = () =>
      wrongCode({ attemptsLeft: attempts.limits.attempts - 1, lockedUntil: null }, { now: clock.now() })
    if (!subject || subject.disabledAt !== null) return asFirst()
    const outcome = await attempts.prove({
      ...{ gate: 'service', purpose, subject, policies, input },
      ...(method && { method }),
      ...(clientIp !== undefined && { facts: { address: clientIp } }),
      ...(grant && { grant }),
    })
    switch (outcome.status) {
      case 'complete':
        return outcome.attempt.passed.at(-1)!.factor as Method
      case 'rejected':
        // A key that was locked just now: its owner is told by mail.
        if (outcome.why !== null) void outbox.kick()
        return wrongCode(outcome, { now: clock.now() })
      case 'locked': {
        const wait = { until: outcome.until, now: clock.now() }
        return refuseUntil('locked', 'too many wrong codes for this subject', wait)
      }
      default:
        return asFirst()
    }
  }
}

function spellAddress(text: string): string | Refusal {
  const address = parseAddress(text)
  if (address) return formatAddress(address)
  const errors = [{ path: 'client_ip', message: 'must be an IPv4 or IPv6 address' }]
  return new Refusal('invalid_input', 'the request cannot be used as it is', { extra: { errors } })
}
