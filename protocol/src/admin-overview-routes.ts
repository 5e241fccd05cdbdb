import { z } from 'zod'
import { none, reading } from './admin-shapes.ts'
import { defineRoutes, type Route } from './route.ts'
import { time } from './shapes.ts'

const count = z.number().int()

const named = { id: z.string(), name: z.string(), email: z.string().nullable() }

/** How the installation stands, for those who look after it. */
export const overviewRoutes = defineRoutes({
  overview: {
    method: 'GET',
    path: '/api/admin/overview',
    summary: 'Who has a second factor, who is in grace or locked, and the sign-ins of the last 24 hours.',
    access: 'admin',
    params: none,
    query: none,
    body: none,
    answer: z.object({
      as_of: time.meta({
        description: 'when people were counted; among very many that is not done at each call',
      }),
      users: count.meta({ description: 'people at the login gate who are not disabled' }),
      enrolled: count,
      in_grace: count,
      must_enrol: count,
      roles: z.array(z.object({ name: z.string(), required: z.boolean(), users: count, enrolled: count })),
      enrolled_by_day: z.array(z.object({ day: z.iso.date(), enrolled: count })).meta({
        description: 'of those who have a second factor now, how many had one at the end of each day (UTC)',
      }),
      grace_ending: z.array(z.object({ ...named, grace_until: time })),
      locked: z.array(z.object({ ...named, locked_until: time.nullable() })).meta({
        description: 'the latest; null while locked: until somebody unlocks',
      }),
      hours: z.array(z.object({ hour: time, signed_in: count, failed: count })),
      blocked_addresses: count,
    }),
    problems: reading,
  },
} as const satisfies Record<string, Route>)
