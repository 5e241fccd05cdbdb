import { z } from 'zod'
import { applicationName, none, reading } from './admin-shapes.ts'
import { defineRoutes, type Route } from './route.ts'
import { numberedPaging, page, time } from './shapes.ts'

const draft = z.record(z.string(), z.unknown()).meta({
  description: "a gate's policies, or a bare chain, as they would stand in a policy file",
})

const rules = z.object({
  rules: z.array(
    z.object({
      name: z.string(),
      action: z.enum(['allow', 'deny', 'chain']),
      when: z.array(z.object({ name: z.string(), expected: z.string() })),
      too_few: z.enum(['deny', 'enrol', 'enforcement']).optional(),
      chain: z
        .object({
          mode: z.enum(['fixed', 'random']),
          required_steps: z.number().int(),
          on_failure: z.enum(['reset', 'retry']),
          on_breach: z.enum(['refuse', 'reset']),
          factors: z.array(z.object({ id: z.string(), label: z.string(), any_of: z.array(z.string()) })),
        })
        .optional(),
    }),
  ),
  otherwise: z.enum(['allow', 'deny']),
})

const decided = z.object({ action: z.string(), steps: z.number().int() })

const replayGroup = z.object({
  count: z.number().int(),
  changes: z.array(
    z.object({
      subject: z.string(),
      rule: z.string(),
      from: decided,
      to: decided,
      count: z.number().int(),
      first_at: time,
      last_at: time,
    }),
  ),
})

const ledgerEntry = z.object({
  seq: z.number().int(),
  at: time,
  type: z.string(),
  subject: z.string().nullable(),
  actor: z.string().nullable(),
  gate: z.string().nullable(),
  data: z.record(z.string(), z.unknown()),
  hash: z.string(),
})

/** Policies, the ledger, and what is in force. */
export const controlRoutes = defineRoutes({
  policies: {
    method: 'GET',
    path: '/api/admin/policies',
    summary: "The login gate's policies in force, in order.",
    access: 'admin',
    params: none,
    query: none,
    body: none,
    answer: rules.extend({
      source: z.enum(['default', 'file', 'off']).meta({
        description:
          'built in; from the file that `login_policies` names; or a password is all, by security.mfa.enabled',
      }),
    }),
    problems: reading,
  },
  checkPolicies: {
    method: 'POST',
    path: '/api/admin/policies/check',
    summary: 'Validate a draft; every fault is named by its path.',
    access: 'admin',
    params: none,
    query: none,
    body: z.strictObject({ draft }),
    answer: rules.extend({ valid: z.literal(true) }),
    problems: [...reading, 'policy_invalid'],
  },
  explainPolicies: {
    method: 'POST',
    path: '/api/admin/policies/explain',
    summary: 'Which rule applies to a subject, and why: by the policies in force, or by a draft.',
    access: 'admin',
    params: none,
    query: none,
    body: z.strictObject({
      subject: z.string().min(1).max(254),
      app: applicationName.optional(),
      gate: z.string().min(1).max(64).default('login'),
      ip: z.string().max(64).nullable().default(null),
      new_device: z.boolean().nullable().default(null),
      risk: z.number().int().min(0).max(100).nullable().default(null),
      draft: draft.optional(),
    }),
    answer: z.object({
      rules: z.array(
        z.object({
          name: z.string(),
          action: z.string(),
          matches: z.boolean(),
          applies: z.boolean(),
          conditions: z.array(
            z.object({
              name: z.string(),
              expected: z.string(),
              actual: z.string(),
              matched: z.boolean(),
            }),
          ),
        }),
      ),
      decision: z.object({
        rule: z.string(),
        action: z.string(),
        steps: z.number().int(),
        reasons: z.array(z.string()),
      }),
    }),
    problems: [...reading, 'not_found', 'policy_invalid'],
  },
  replayPolicies: {
    method: 'POST',
    path: '/api/admin/policies/replay',
    summary: "Decide the ledger's real attempts again by a draft.",
    access: 'admin',
    params: none,
    query: none,
    body: z.strictObject({ draft, days: z.number().int().min(1).max(3650).default(30) }),
    answer: z.object({
      total: z.number().int(),
      unchanged: z.number().int(),
      denied: replayGroup,
      stepped_up: replayGroup,
      let_through: replayGroup,
    }),
    problems: [...reading, 'policy_invalid'],
  },
  ledger: {
    method: 'GET',
    path: '/api/admin/ledger',
    summary: 'The ledger, newest first.',
    access: 'admin',
    params: none,
    query: z.strictObject({
      ...numberedPaging,
      type: z.string().min(1).max(128).optional(),
      subject: z.string().min(1).max(128).optional(),
      since: time.optional(),
      until: time.optional(),
    }),
    body: none,
    answer: page(ledgerEntry),
    problems: reading,
  },
  exportLedger: {
    method: 'GET',
    path: '/api/admin/ledger/export',
    summary: 'The whole ledger as JSON Lines, for `sallyport ledger verify` anywhere.',
    access: 'admin',
    params: none,
    query: none,
    body: none,
    answer: z.string(),
    media: 'application/x-ndjson',
    problems: reading,
  },
  verifyLedger: {
    method: 'POST',
    path: '/api/admin/ledger/verify',
    summary: 'Check the whole ledger against its key.',
    access: 'admin',
    params: none,
    query: none,
    body: none,
    answer: z.object({
      status: z.enum(['clean', 'incomplete', 'tampered']),
      key_from: z.enum(['given', 'export']),
      entries: z.number().int(),
      first_seq: z.number().int().nullable(),
      last_seq: z.number().int().nullable(),
      head: z.object({ seq: z.number().int(), hash: z.string() }).nullable(),
      signed_through: z.number().int(),
      checkpoints_below_start: z.number().int(),
      first_bad: z
        .object({
          line: z.number().int().nullable(),
          seq: z.number().int(),
          reason: z.string(),
          message: z.string(),
        })
        .nullable(),
    }),
    problems: reading,
  },
  settings: {
    method: 'GET',
    path: '/api/admin/settings',
    summary: 'The settings in force, without their secrets.',
    access: 'admin',
    params: none,
    query: none,
    body: none,
    answer: z.object({ version: z.string(), settings: z.record(z.string(), z.unknown()) }),
    problems: reading,
  },
} as const satisfies Record<string, Route>)
