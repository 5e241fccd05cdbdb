import {
  createLedgerReader,
  explainSubject,
  exportLedger,
  findSubject,
  type GatePolicies,
  type GateRule,
  loginApplication,
  parseAddress,
  parseGatePolicies,
  type ReplayGroup,
  readEntry,
  recordedDecisions,
  replayDecisions,
  stepKinds,
  verifyStoredLedger,
} from '@sallyport/core'
import { adminRoutes, ledgerVerdict } from '@sallyport/protocol'
import type { Binder } from '../bind.ts'
import { iso, type LoginContext } from '../login/login-context.ts'
import { actorOf, invalidField, noSuch, recordRead } from './admin-context.ts'

const day = 24 * 3_600_000

/** Policies, the ledger, and the settings in force. */
export function registerControl(bind: Binder, { services, config }: LoginContext): void {
  const { store, clock, ledger, policies, enforcement } = services

  bind(adminRoutes.policies, async () => ({
    ...describePolicies(policies),
    source: config.policySource,
  }))

  bind(adminRoutes.checkPolicies, async ({ body }) => ({
    valid: true as const,
    ...describePolicies(parseGatePolicies(body.draft)),
  }))

  bind(adminRoutes.explainPolicies, async (call) => {
    const { subject: name, app, gate, ip, new_device: newDevice, risk, draft } = call.body
    if (ip !== null && parseAddress(ip) === null) return invalidField('ip', 'is no address')
    const judged = draft === undefined ? policies : parseGatePolicies(draft)
    const request = { application: app ?? loginApplication, name, gate, address: ip, newDevice, risk }
    const found = await explainSubject(judged, request, { store, clock, enforcement })
    if (!found) return noSuch('subject')
    await recordRead(services, call, { what: 'policies.explain', subject: found.subjectId })
    const { rules, decision } = found.explanation
    const { rule, action, reasons } = decision
    const steps = decision.action === 'chain' ? decision.chain.requiredSteps : 0
    return { rules, decision: { rule, action, steps, reasons } }
  })

  bind(adminRoutes.replayPolicies, async (call) => {
    const draft = parseGatePolicies(call.body.draft)
    await recordRead(services, call, { what: 'policies.replay' })
    const since = clock.now() - call.body.days * day
    const report = await replayDecisions(draft, recordedDecisions(store, since))
    return {
      total: report.total,
      unchanged: report.unchanged,
      denied: describeGroup(report.denied),
      stepped_up: describeGroup(report.steppedUp),
      let_through: describeGroup(report.letThrough),
    }
  })

  /** People are looked for by address or id; an id that is nobody's any more is still in the ledger. */
  async function subjectIdOf(asked: string | undefined): Promise<string | undefined> {
    const found =
      asked === undefined || isId(asked) ? null : await findSubject(store, loginApplication, asked)
    return found?.id ?? asked
  }

  bind(adminRoutes.ledger, async (call) => {
    const { after, limit, type, since, until } = call.query
    const subject = await subjectIdOf(call.query.subject)
    const filter = {
      ...(type !== undefined && { type }),
      ...(subject !== undefined && { subject }),
      ...(since !== undefined && { since: Date.parse(since) }),
      ...(until !== undefined && { until: Date.parse(until) }),
    }
    const before = after === undefined ? null : Number(after)
    const found = await store.read((tx) => tx.ledger.latest(before, limit + 1, filter))
    const what = { what: 'ledger', ...(isId(subject) && { subject }) }
    await recordRead(services, call, what)
    const entries = found.slice(0, limit).map((entry) => {
      const { seq, at, type: kind, subject: whose, actor, gate, data, hash } = readEntry(entry)
      return { seq, at: iso(at), type: kind, subject: whose, actor, gate, data, hash }
    })
    return { items: entries, next: found.length > limit ? String(entries.at(-1)!.seq) : null }
  })

  bind(adminRoutes.exportLedger, async (call) => {
    await recordRead(services, call, { what: 'ledger.export' })
    const reader = createLedgerReader(store)
    const lines = exportLedger({ ledger: reader, ledgerId: ledger.id, publicKeyPem: ledger.publicKeyPem })
    return new Response(ReadableStream.from(lines).pipeThrough(new TextEncoderStream()), {
      headers: {
        'content-type': 'application/x-ndjson',
        'content-disposition': 'attachment; filename="ledger.jsonl"',
        'cache-control': 'no-store',
      },
    })
  })

  bind(adminRoutes.verifyLedger, async (call) => {
    const stored = { ledger: createLedgerReader(store), ledgerId: ledger.id, publicKey: ledger.publicKey }
    const result = await verifyStoredLedger(stored)
    const data = { status: result.status, entries: result.entries }
    const record = { type: 'ledger.verified', at: clock.now(), actor: actorOf(call), data }
    await store.transaction(async (tx) => tx.ledger.append(record))
    return ledgerVerdict(result)
  })

  bind(adminRoutes.settings, async () => ({ version: config.version, settings: { ...config.settings } }))
}

/** The ledger keeps pseudonyms: what was asked for by name is not to be the first name in it. */
const isId = (text: string | undefined): text is string => text !== undefined && /^[\w-]{22}$/.test(text)

function describePolicies({ rules, otherwise }: GatePolicies) {
  return { rules: rules.map(describeRule), otherwise }
}

function describeRule(rule: GateRule) {
  const when = rule.when.map(({ name, expected }) => ({ name, expected }))
  if (rule.action !== 'chain') return { name: rule.name, action: rule.action, when }
  const { mode, requiredSteps, onFailure, onBreach, factors } = rule.chain
  const chain = {
    ...{ mode, required_steps: requiredSteps, on_failure: onFailure, on_breach: onBreach },
    factors: factors.map((step) => ({ id: step.id, label: step.label, any_of: [...stepKinds(step)] })),
  }
  return { name: rule.name, action: rule.action, when, too_few: rule.tooFew, chain }
}

function describeGroup({ count, changes }: ReplayGroup) {
  return {
    count,
    changes: changes.map(({ firstAt, lastAt, ...change }) => ({
      ...change,
      first_at: iso(firstAt),
      last_at: iso(lastAt),
    })),
  }
}
