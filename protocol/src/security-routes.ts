import { z } from 'zod'
import { defineRoutes, type Route } from './route.ts'
import { nothing, numberedPaging, page, paging, time } from './shapes.ts'

const none = nothing
const address = z
  .string()
  .min(1)
  .max(64)
  .meta({ description: 'an IPv4 or IPv6 address, or a range such as 203.0.113.0/24; IPv6 counts by the /64' })
const severity = z.enum(['low', 'medium', 'high', 'critical'])
const longest = 3650 * 24 * 3_600

const block = z.object({
  id: z.string(),
  ip_address: z.string(),
  kind: z.enum(['manual', 'automatic']),
  reason: z.string(),
  blocked_by: z.string(),
  blocked_at: time,
  blocked_until: time,
  unblocked_at: time.nullable(),
  auto_unblocked: z.boolean(),
})

const event = z.object({
  id: z.number().int(),
  at: time,
  type: z.string(),
  severity,
  ip_address: z.string().nullable(),
  subject: z.string().nullable(),
  application: z.string().nullable(),
  details: z.record(z.string(), z.unknown()),
})

const byType = { failed_auths: z.number().int(), suspicious_patterns: z.number().int() }

const spared = z
  .enum(['always', 'yours'])
  .nullable()
  .meta({
    description:
      'always: it is never blocked, being loopback, a trusted proxy or on the allow list; yours: this call ' +
      'comes from it',
  })

/** `/api/security`: for applications with a key, and for administrators. */
export const securityRoutes = defineRoutes({
  block: {
    method: 'POST',
    path: '/api/security/block-ip',
    summary: 'Shut an address or a range out of everything for a time; what stands against it is replaced.',
    access: 'security:write',
    params: none,
    query: none,
    body: z.strictObject({
      ip_address: address,
      reason: z
        .string()
        .trim()
        .min(1)
        .max(200)
        .regex(/^[^\p{Cc}\p{Zl}\p{Zp}]*$/u, 'must be one line')
        .default('blocked by an operator'),
      duration: z
        .number()
        .int()
        .min(1)
        .max(longest)
        .optional()
        .meta({ description: 'seconds; security.threat_detection.ip_block_duration when absent' }),
    }),
    answer: block.extend({ success: z.literal(true) }),
    problems: [],
  },
  unblock: {
    method: 'POST',
    path: '/api/security/unblock-ip',
    summary: 'Lift whatever stands against that very address or range.',
    access: 'security:write',
    params: none,
    query: none,
    body: z.strictObject({ ip_address: address }),
    answer: z.object({ success: z.literal(true), ip_address: z.string(), unblocked_at: time }),
    problems: ['not_found'],
  },
  blocks: {
    method: 'GET',
    path: '/api/security/blocks',
    summary: 'Blocks, current and past, newest first.',
    access: 'security:read',
    params: none,
    query: z.strictObject({ ...paging, current: z.enum(['true', 'false']).optional() }),
    body: none,
    answer: page(block),
    problems: [],
  },
  checkAddress: {
    method: 'GET',
    path: '/api/security/check-ip/:ip',
    summary: 'Whether an address is blocked, and what is known of it.',
    access: 'security:read',
    params: z.strictObject({ ip: address }),
    query: none,
    body: none,
    answer: z.object({
      ip_address: z.string(),
      is_blocked: z.boolean(),
      reason: z.string().nullable(),
      blocked_until: time.nullable(),
      kind: block.shape.kind.nullable(),
      threat_score: z.number().int().min(0).max(100),
      score_reasons: z.array(z.object({ reason: z.string(), points: z.number().int() })),
      spared,
    }),
    problems: [],
  },
  threatSummary: {
    method: 'GET',
    path: '/api/security/threat-summary',
    summary: 'What happened in the hour that has begun and the ones before it.',
    access: 'security:read',
    params: none,
    query: z.strictObject({ hours: z.coerce.number().int().min(1).max(720).default(24) }),
    body: none,
    answer: z.object({
      blocked_ips: z.number().int(),
      ...byType,
      total_events: z.number().int(),
      by_hour: z.array(
        z.object({ hour: time, blocked_ips: z.number().int(), ...byType, total_events: z.number().int() }),
      ),
      top_ips: z.array(z.object({ ip_address: z.string(), events: z.number().int(), spared })),
    }),
    problems: [],
  },
  events: {
    method: 'GET',
    path: '/api/security/events',
    summary: "Threat events, newest first; a key is not told of another application's subjects.",
    access: 'security:read',
    params: none,
    query: z.strictObject({
      ...numberedPaging,
      type: z.string().min(1).max(64).optional(),
      severity: severity.optional(),
      ip_address: address.optional(),
      subject: z.string().min(1).max(128).optional(),
      since: time.optional(),
      until: time.optional(),
    }),
    body: none,
    answer: page(event),
    problems: [],
  },
  eventStream: {
    method: 'GET',
    path: '/api/security/events/stream',
    summary: 'Threat events as they happen (server-sent events); `Last-Event-ID` goes on after that one.',
    access: 'security:read',
    params: none,
    query: none,
    body: none,
    answer: z.string(),
    media: 'text/event-stream',
    problems: ['too_many_attempts'],
  },
} as const satisfies Record<string, Route>)
