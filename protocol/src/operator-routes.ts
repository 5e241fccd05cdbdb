import { z } from 'zod'
import { defineRoutes, type Route } from './route.ts'
import { nothing } from './shapes.ts'

const plain = { method: 'GET', access: 'public', params: nothing, query: nothing, body: nothing } as const

/** What stands beside the surfaces, for those who run the product and for programs. */
export const operatorRoutes = defineRoutes({
  health: {
    ...plain,
    path: '/healthz',
    summary: 'Whether the process is alive.',
    answer: z.object({ status: z.literal('alive'), version: z.string() }),
    problems: [],
  },
  readiness: {
    ...plain,
    path: '/readyz',
    summary: 'Whether store, vault and ledger can do their work.',
    answer: z.object({ status: z.literal('ready'), checks: z.record(z.string(), z.literal('ok')) }),
    problems: ['not_ready'],
  },
  metrics: {
    ...plain,
    path: '/metrics',
    summary: 'Figures for Prometheus.',
    answer: z.string(),
    media: 'text/plain',
    problems: [],
  },
  keySet: {
    ...plain,
    path: '/.well-known/jwks.json',
    summary: 'The public keys that access tokens are checked with (RFC 7517).',
    answer: z.object({
      keys: z.array(
        z.object({
          kty: z.literal('EC'),
          crv: z.literal('P-256'),
          x: z.string(),
          y: z.string(),
          kid: z.string(),
          alg: z.literal('ES256'),
          use: z.literal('sig'),
        }),
      ),
    }),
    problems: [],
  },
  openApi: {
    ...plain,
    path: '/openapi.json',
    summary: 'This description, as OpenAPI 3.1.',
    answer: z.record(z.string(), z.unknown()),
    problems: [],
  },
} as const satisfies Record<string, Route>)
