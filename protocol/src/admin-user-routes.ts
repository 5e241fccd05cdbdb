import { z } from 'zod'
import { changing, company, id, line, none, one, paged, reading, session } from './admin-shapes.ts'
import { defineRoutes, type Route } from './route.ts'
import { device, email, method, page, success, time } from './shapes.ts'

const role = z.string().min(1).max(64)

const reason = line(200)

const mail = z.boolean().default(false).meta({
  description: 'true mails the link to the user; false answers it, for you to hand over',
})

const status = z.enum(['invited', 'enrolled', 'grace', 'must_enrol', 'optional']).meta({
  description:
    'invited: has chosen no password yet; enrolled: has a second factor; grace: may still do without the one ' +
    'that is demanded; must_enrol: may not any more; optional: has none, and none is demanded',
})

const user = z.object({
  id: z.string(),
  email: z.string().nullable(),
  name: z.string().meta({ description: 'the name the user was created under' }),
  role: z.string(),
  company: z.string().nullable(),
  created_at: time,
  email_verified_at: time.nullable(),
  disabled_at: time.nullable(),
  status,
  grace_until: time.nullable(),
  locked: z.boolean(),
  locked_until: time.nullable().meta({ description: 'null while locked: until somebody unlocks' }),
  methods: z.array(method),
})

const userDetails = user.extend({
  aliases: z.array(z.string()),
  required: z.boolean(),
  required_since: time.nullable(),
  backup_codes_remaining: z.number().int(),
  wrong_guesses: z.number().int(),
  sessions: z.number().int(),
})

const link = z.object({
  purpose: z.enum(['invitation', 'enrolment_link']),
  mailed: z.boolean(),
  link: z.string().nullable().meta({ description: 'works once, shown this once; null when it was mailed' }),
  token: z.string().nullable(),
  expires_at: time,
})

const factor = z.object({
  id: z.string(),
  type: method,
  name: z.string(),
  status: z.enum(['pending', 'active', 'revoked']),
  created_at: time,
  enrolled_at: time.nullable(),
  revoked_at: time.nullable(),
  last_used_at: time.nullable(),
})

/** `/api/admin/users`: people, and the ways back in that need somebody else's hand. */
export const userRoutes = defineRoutes({
  users: {
    method: 'GET',
    path: '/api/admin/users',
    summary: 'The users. A page may hold fewer than asked for; `next` says whether there are more.',
    access: 'admin',
    params: none,
    query: paged.extend({
      search: z.string().min(1).max(254).optional(),
      role: role.optional(),
      status: z.enum([...status.options, 'locked', 'disabled']).optional(),
    }),
    body: none,
    answer: page(user),
    problems: reading,
  },
  inviteUser: {
    method: 'POST',
    path: '/api/admin/users',
    summary: 'Create a user, who chooses a password by a one-time link.',
    access: 'proven_admin',
    params: none,
    query: none,
    body: z.strictObject({
      email,
      role: role.default('user'),
      company: company.nullable().default(null),
      extension: line(254).optional(),
      mail,
    }),
    answer: link.extend({ user }),
    problems: [...changing, 'already_exists'],
  },
  user: {
    method: 'GET',
    path: '/api/admin/users/:id',
    summary: 'One user.',
    access: 'admin',
    params: one,
    query: none,
    body: none,
    answer: userDetails,
    problems: [...reading, 'not_found'],
  },
  changeUser: {
    method: 'PATCH',
    path: '/api/admin/users/:id',
    summary: "Change what a user is; ends the user's sessions. The last administrator stays one.",
    access: 'proven_admin',
    params: one,
    query: none,
    body: z.strictObject({
      role: role.optional(),
      company: company.nullable().optional(),
      email: email.optional(),
      disabled: z.boolean().optional(),
    }),
    answer: user,
    problems: [...changing, 'not_found', 'last_admin', 'already_exists'],
  },
  eraseUser: {
    method: 'DELETE',
    path: '/api/admin/users/:id',
    summary: 'Erase a user and all that is stored about them; the ledger keeps a pseudonym.',
    access: 'proven_admin',
    params: one,
    query: none,
    body: none,
    answer: success,
    problems: [...changing, 'not_found', 'last_admin'],
  },
  userFactors: {
    method: 'GET',
    path: '/api/admin/users/:id/factors',
    summary: 'Every factor a user ever enrolled, with its dates.',
    access: 'admin',
    params: one,
    query: none,
    body: none,
    answer: page(factor),
    problems: [...reading, 'not_found'],
  },
  removeUserFactor: {
    method: 'DELETE',
    path: '/api/admin/users/:id/factors/:factor',
    summary: "Remove one of another user's factors.",
    access: 'proven_admin',
    params: z.strictObject({ id, factor: id }),
    query: none,
    body: none,
    answer: success,
    problems: [...changing, 'not_found'],
  },
  unlockUser: {
    method: 'POST',
    path: '/api/admin/users/:id/unlock',
    summary: 'Forget the wrong guesses counted against a user.',
    access: 'proven_admin',
    params: one,
    query: none,
    body: none,
    answer: success,
    problems: [...changing, 'not_found'],
  },
  resetFactors: {
    method: 'POST',
    path: '/api/admin/users/:id/reset-factors',
    summary: "Remove all of another user's factors, end their sessions, and issue a one-time enrolment link.",
    access: 'proven_admin',
    params: one,
    query: none,
    body: z.strictObject({ reason, mail }),
    answer: link.extend({ removed: z.number().int(), sessions_ended: z.number().int() }),
    problems: [...changing, 'not_found'],
  },
  enrolmentLink: {
    method: 'POST',
    path: '/api/admin/users/:id/enrolment-link',
    summary: 'Issue a one-time link to enrol a first factor, or to choose a first password.',
    access: 'proven_admin',
    params: one,
    query: none,
    body: z.strictObject({ reason: reason.optional(), mail }),
    answer: link,
    problems: [...changing, 'not_found', 'already_exists'],
  },
  issuePass: {
    method: 'POST',
    path: '/api/admin/users/:id/pass',
    summary: 'Issue a helpdesk pass: once, and soon, it stands in the place of the second factor.',
    access: 'proven_admin',
    params: one,
    query: none,
    body: z.strictObject({ reason }),
    answer: z.object({ pass: z.string(), expires_at: time }),
    problems: [...changing, 'not_found'],
  },
  userSignIns: {
    method: 'GET',
    path: '/api/admin/users/:id/sign-ins',
    summary: "A user's last sign-ins, newest first, each with its risk and what that is made of.",
    access: 'admin',
    params: one,
    query: none,
    body: none,
    answer: page(
      z.object({
        at: time,
        completed_at: time.nullable(),
        network: z.string(),
        country: z.string().nullable(),
        device: z.string(),
        risk: z.number().int(),
        reasons: z.array(z.object({ reason: z.string(), points: z.number().int() })),
      }),
    ),
    problems: [...reading, 'not_found'],
  },
  userSessions: {
    method: 'GET',
    path: '/api/admin/users/:id/sessions',
    summary: "A user's sessions in force, newest first.",
    access: 'admin',
    params: one,
    query: none,
    body: none,
    answer: page(session),
    problems: [...reading, 'not_found'],
  },
  userDevices: {
    method: 'GET',
    path: '/api/admin/users/:id/devices',
    summary: "A user's trusted browsers, newest first.",
    access: 'admin',
    params: one,
    query: none,
    body: none,
    answer: page(device),
    problems: [...reading, 'not_found'],
  },
  endUserDevice: {
    method: 'DELETE',
    path: '/api/admin/users/:id/devices/:device',
    summary: "Trust a user's browser no longer.",
    access: 'proven_admin',
    params: one.extend({ device: z.string().max(64) }),
    query: none,
    body: none,
    answer: success,
    problems: [...changing, 'not_found'],
  },
  endUserSessions: {
    method: 'DELETE',
    path: '/api/admin/users/:id/sessions',
    summary: 'Sign a user out everywhere.',
    access: 'proven_admin',
    params: one,
    query: none,
    body: none,
    answer: success.extend({ ended: z.number().int() }),
    problems: [...changing, 'not_found'],
  },
  userNames: {
    method: 'GET',
    path: '/api/admin/names',
    summary: 'What the users with these ids go by; ids of others are left out.',
    access: 'admin',
    params: none,
    query: z.strictObject({
      ids: z
        .string()
        .regex(/^[^,]{1,64}(,[^,]{1,64}){0,99}$/, 'must be up to 100 ids, with commas between them')
        .meta({ description: 'up to 100, with commas between them' }),
    }),
    body: none,
    answer: page(z.object({ id: z.string(), name: z.string() })),
    problems: reading,
  },
  lockStream: {
    method: 'GET',
    path: '/api/admin/locks/stream',
    summary: 'Locks and unlocks of subjects as they happen (server-sent events), from the ledger.',
    access: 'admin',
    params: none,
    query: none,
    body: none,
    answer: z.string(),
    media: 'text/event-stream',
    problems: [...reading, 'too_many_attempts'],
  },
} as const satisfies Record<string, Route>)
