import {
  type Block,
  inRange,
  parseAddress,
  readRange,
  type ThreatEvent,
  type ThreatFilter,
  type ThreatSummary,
} from '@sallyport/core'
import { securityRoutes } from '@sallyport/protocol'
import type { Access, Caller } from '../access.ts'
import type { Binder, Call } from '../bind.ts'
import { createEventStream } from '../event-stream.ts'
import type { Metrics } from '../metrics.ts'
import { Refusal } from '../refusal.ts'
import type { GateConfig, GateServices } from '../services.ts'

/** `/api/security`: blocks and threat events. What it answers ends the streams, before a stop. */
export function registerSecurity(
  bind: Binder,
  parts: { config: GateConfig; services: GateServices; metrics: Metrics; access: Access },
): () => void {
  const { config, services, metrics, access } = parts
  const { store, clock, blocks, threatLog, threatReads } = services

  bind(securityRoutes.block, async ({ body, caller }) => {
    const { ip_address: range, reason, duration = Math.ceil(config.blockFor / 1_000) } = body
    const actor = actorOf(caller)
    const made = await blocks.block({ range, reason, duration: duration * 1_000, actor })
    return { success: true as const, ...describeBlock(made, clock.now()) }
  })

  bind(securityRoutes.unblock, async ({ body, caller }) => {
    const [lifted] = await blocks.unblock({ range: body.ip_address, actor: actorOf(caller) })
    if (lifted)
      return { success: true as const, ip_address: lifted.range, unblocked_at: iso(lifted.unblockedAt!) }
    const around = (await threatReads.check(body.ip_address))?.blocks[0]
    const hint = around ? `: it lies in ${around.range}, which is` : ''
    return new Refusal('not_found', `this address or range is not blocked by itself${hint}`)
  })

  bind(securityRoutes.blocks, async ({ query }) => {
    const { after = null, limit, current } = query
    const now = clock.now()
    const wanted = { after, limit, ...(current === 'true' && { inForceAt: now }) }
    const { items, next } = await store.read((tx) => tx.blocks.list(wanted))
    return { items: items.map((block) => describeBlock(block, now)), next }
  })

  /** Why an address is better not blocked, or cannot be. */
  function sparedOf(range: string, { address }: Pick<Call<never>, 'address'>): 'always' | 'yours' | null {
    const read = readRange(range)!
    if (blocks.isSpared(read)) return 'always'
    const own = parseAddress(address)
    return own && inRange(own, read) ? 'yours' : null
  }

  bind(securityRoutes.checkAddress, async (call) => {
    const { params } = call
    const checked = await threatReads.check(params.ip)
    if (!checked) return notAnAddress('params.ip')
    const [block] = checked.blocks
    return {
      ip_address: checked.address,
      is_blocked: block !== undefined,
      reason: block?.reason ?? null,
      blocked_until: block ? iso(block.blockedUntil) : null,
      kind: block?.kind ?? null,
      threat_score: checked.score,
      score_reasons: checked.reasons,
      spared: sparedOf(checked.address, call),
    }
  })

  bind(securityRoutes.threatSummary, async (call) => {
    const summary = await threatReads.summary(call.query.hours)
    const top = summary.addresses.map(({ address, count }) => ({
      ...{ ip_address: address, events: count, spared: sparedOf(address, call) },
    }))
    return { ...describeSummary(summary), top_ips: top }
  })

  bind(securityRoutes.events, async ({ query, caller }) => {
    await threatLog.flush()
    const { after, limit } = query
    const before = after === undefined ? null : Number(after)
    const found = await store.read((tx) => tx.threats.latest(before, limit + 1, filterOf(query, caller)))
    const items = found.slice(0, limit)
    const next = found.length > limit ? String(items.at(-1)!.id) : null
    return { items: items.map((event) => describeEvent(event, caller)), next }
  })

  const stream = createEventStream<ThreatEvent>({
    last: () => store.read((tx) => tx.threats.last()),
    after: (id, most) => store.read((tx) => tx.threats.after(id, most)),
  })
  bind(securityRoutes.eventStream, async ({ caller, context }) =>
    stream.open(context, {
      who: actorOf(caller),
      write: (event) => JSON.stringify(describeEvent(event, caller)),
      isAllowed: async () => !((await access.admit('security:read', context)) instanceof Refusal),
    }),
  )

  metrics.figure('sallyport_blocked_addresses', 'Addresses and ranges that are blocked', () => blocks.size)
  metrics.figure('sallyport_threat_events_waiting', 'Threat events not stored yet', () => threatLog.waiting)
  metrics.figure('sallyport_threat_events_lost', 'Threat events lost since the start', () => threatLog.lost)
  return stream.stop
}

function filterOf(query: Call<typeof securityRoutes.events>['query'], caller: Caller): ThreatFilter {
  const { type, severity, ip_address: address, subject, since, until } = query
  return {
    ...(type !== undefined && { type }),
    ...(severity !== undefined && { severity }),
    ...(address !== undefined && { address }),
    ...(subject !== undefined && { subject }),
    // Who asks for a subject would otherwise learn of it by what is found.
    ...(subject !== undefined && caller.kind === 'key' && { application: caller.key.application }),
    ...(since !== undefined && { since: Date.parse(since) }),
    ...(until !== undefined && { until: Date.parse(until) }),
  }
}

/** An application hears of attacks on others, but not of their subjects. */
function describeEvent(event: ThreatEvent, caller: Caller) {
  const { id, at, type, severity, address, subject, application, details } = event
  const foreign = caller.kind === 'key' && application !== null && application !== caller.key.application
  return {
    ...{ id, at: iso(at), type, severity, ip_address: address },
    ...(foreign
      ? { subject: null, application: null, details: {} }
      : { subject, application, details: { ...details } }),
  }
}

/** A block whose time is over has ended then, whether or not that was written down yet. */
function describeBlock(block: Block, now: number) {
  const { id, range, kind, reason, by, blockedAt, blockedUntil, unblockedAt, autoUnblocked } = block
  const ranOut = unblockedAt === null && blockedUntil <= now
  const ended = ranOut ? blockedUntil : unblockedAt
  return {
    ...{ id, ip_address: range, kind, reason, blocked_by: by },
    blocked_at: iso(blockedAt),
    blocked_until: iso(blockedUntil),
    unblocked_at: ended === null ? null : iso(ended),
    auto_unblocked: autoUnblocked || ranOut,
  }
}

function describeSummary({ total, byType, hours }: ThreatSummary) {
  return {
    ...describeCounts(byType, total),
    by_hour: hours.map((hour) => ({ hour: iso(hour.at), ...describeCounts(hour.byType, hour.total) })),
  }
}

function describeCounts(byType: Readonly<Record<string, number>>, total: number) {
  return {
    blocked_ips: byType.ip_blocked ?? 0,
    failed_auths: byType.failed_auth ?? 0,
    suspicious_patterns: byType.suspicious_pattern ?? 0,
    total_events: total,
  }
}

function actorOf(caller: Caller): string {
  if (caller.kind === 'key') return `apikey:${caller.key.id}`
  if (caller.kind === 'person') return `subject:${caller.subject.id}`
  throw new TypeError('the route lets anybody in')
}

function notAnAddress(path: string): Refusal {
  const errors = [{ path, message: 'must be an IPv4 or IPv6 address' }]
  return new Refusal('invalid_input', 'the request cannot be used as it is', { extra: { errors } })
}

function iso(at: number): string {
  return new Date(at).toISOString()
}
