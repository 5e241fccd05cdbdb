import { z } from 'zod'
import {
  applicationName,
  changing,
  company,
  line,
  none,
  one,
  paged,
  reading,
  session,
} from './admin-shapes.ts'
import { defineRoutes, type Route } from './route.ts'
import { page, success, time } from './shapes.ts'

const scope = z.enum(['mfa:read', 'mfa:write', 'security:read', 'security:write', 'admin'])

const application = z.object({
  name: z.string(),
  issuer: z.string(),
  rp_id: z.string().nullable(),
  origins: z.array(z.string()),
  created_at: time,
})

const applicationFields = {
  issuer: line(64).optional().meta({ description: 'what authenticator apps show' }),
  rp_id: z
    .string()
    .max(253)
    .regex(/^(?:[a-z0-9](?:[a-z0-9-]*[a-z0-9])?\.)*[a-z0-9](?:[a-z0-9-]*[a-z0-9])?$/, 'must be a domain')
    .nullable()
    .optional(),
  origins: z
    .array(
      z
        .url({ protocol: /^https?$/ })
        .max(300)
        .refine((text) => URL.canParse(text) && new URL(text).origin === text, 'must be an origin'),
    )
    .max(50)
    .optional(),
}

const apiKey = z.object({
  id: z.string(),
  name: z.string(),
  app: z.string(),
  scopes: z.array(z.string()),
  created_at: time,
  revoked_at: time.nullable(),
  last_used_at: time.nullable(),
})

/** What people and applications belong to. */
export const directoryRoutes = defineRoutes({
  applications: {
    method: 'GET',
    path: '/api/admin/applications',
    summary: 'The applications.',
    access: 'admin',
    params: none,
    query: paged,
    body: none,
    answer: page(application),
    problems: reading,
  },
  createApplication: {
    method: 'POST',
    path: '/api/admin/applications',
    summary: 'Create an application.',
    access: 'proven_admin',
    params: none,
    query: none,
    body: z.strictObject({ name: applicationName, ...applicationFields }),
    answer: application,
    problems: [...changing, 'already_exists'],
  },
  changeApplication: {
    method: 'PATCH',
    path: '/api/admin/applications/:name',
    summary: 'Change an application.',
    access: 'proven_admin',
    params: z.strictObject({ name: applicationName }),
    query: none,
    body: z.strictObject(applicationFields),
    answer: application,
    problems: [...changing, 'not_found'],
  },
  apiKeys: {
    method: 'GET',
    path: '/api/admin/apikeys',
    summary: 'The API keys, without the keys themselves.',
    access: 'admin',
    params: none,
    query: paged,
    body: none,
    answer: page(apiKey),
    problems: reading,
  },
  createApiKey: {
    method: 'POST',
    path: '/api/admin/apikeys',
    summary: 'Make an API key; it is shown this once.',
    access: 'proven_admin',
    params: none,
    query: none,
    body: z.strictObject({
      name: line(100),
      app: applicationName.default('default'),
      scopes: z.array(scope).min(1).max(scope.options.length),
    }),
    answer: apiKey.extend({ key: z.string() }),
    problems: changing,
  },
  revokeApiKey: {
    method: 'DELETE',
    path: '/api/admin/apikeys/:id',
    summary: 'End an API key for good.',
    access: 'proven_admin',
    params: one,
    query: none,
    body: none,
    answer: success,
    problems: [...changing, 'not_found'],
  },
  companies: {
    method: 'GET',
    path: '/api/admin/companies',
    summary: 'The companies.',
    access: 'admin',
    params: none,
    query: paged,
    body: none,
    answer: page(z.object({ name: z.string(), created_at: time })),
    problems: reading,
  },
  createCompany: {
    method: 'POST',
    path: '/api/admin/companies',
    summary: 'Add a company.',
    access: 'proven_admin',
    params: none,
    query: none,
    body: z.strictObject({ name: company }),
    answer: z.object({ name: z.string(), created_at: time }),
    problems: [...changing, 'already_exists'],
  },
  removeCompany: {
    method: 'DELETE',
    path: '/api/admin/companies/:name',
    summary: 'Take a company off the list; its users stay as they are.',
    access: 'proven_admin',
    params: z.strictObject({ name: company }),
    query: none,
    body: none,
    answer: success,
    problems: [...changing, 'not_found'],
  },
  roles: {
    method: 'GET',
    path: '/api/admin/roles',
    summary: 'The roles there are, and whether each must have a second factor.',
    access: 'admin',
    params: none,
    query: none,
    body: none,
    answer: page(
      z.object({
        name: z.string(),
        built_in: z.boolean(),
        required: z.boolean(),
        grace_seconds: z.number().int(),
      }),
    ),
    problems: reading,
  },
  allSessions: {
    method: 'GET',
    path: '/api/admin/sessions',
    summary: "Everybody's sessions in force, oldest first.",
    access: 'admin',
    params: none,
    query: paged,
    body: none,
    answer: page(session),
    problems: reading,
  },
} as const satisfies Record<string, Route>)
