import { codeOf } from '../support/harness.ts'
import { emailOf, type PopulatedServer } from '../support/populated-server.ts'
import type { World } from './request-generator.ts'

/** Credentials and values that fit, made anew: what a run of requests ends, it ends for a while only. */
export async function makeWorld(server: PopulatedServer): Promise<World> {
  const { keys, call, phone } = server
  const [ada, bob, ...spare] = await Promise.all([
    server.signIn('ada'),
    server.signIn('bob'),
    server.signIn('spare'),
    server.signIn('spare'),
  ])
  const [pending, enrolling] = [await server.pendingToken(), await server.enrolmentToken()]
  const victim = await call('POST', '/api/admin/users', {
    token: ada.access,
    body: { email: `victim.${crypto.randomUUID()}@example.org` },
  })
  const sessions = await call('GET', '/auth/sessions', { token: spare[0]!.access })
  const bearer = (...tokens: string[]) => tokens.map((token) => `Bearer ${token}`)
  const code = codeOf(phone.secret, Date.now())
  const stale = ['a.b.c', `${bob.access.slice(0, -4)}AAAA`, `spk_${'a'.repeat(43)}`]
  return {
    credentials: {
      session: bearer(bob.access),
      enrolling: bearer(enrolling),
      admin: bearer(ada.access),
      key: bearer(keys.pbx, keys.erp, keys.admin),
      stale: [...bearer(pending, ...stale), `Basic ${btoa(`${emailOf('bob')}:${pending}`)}`],
    },
    spare: bearer(...spare.map(({ access }) => access)),
    cookies: [
      `sallyport=${bob.access}`,
      `sallyport=${pending}`,
      `sallyport-refresh=${bob.refresh}`,
      'sallyport=',
    ],
    values: {
      email: ['bob', 'phone', 'nobody'].map(emailOf),
      password: ['not the password', 'Zm4!kq9(xBtw'],
      temp_token: [pending, pending, enrolling],
      code: ['123456', code, 'ABCD-EFGH', phone.backupCodes[0]!],
      extension: ['1001', '1002', 'Müller', '1001 '],
      subject: ['1003', '1004'],
      refresh_token: [spare[0]!.refresh, 'spr_unknown'],
      id: [victim.body.user?.id, sessions.body.sessions?.[0]?.id, 'nothing'].filter(Boolean),
      factor: ['nothing'],
      name: ['pbx', 'erp', 'Acme'],
      token: [victim.body.token ?? 'x', bob.access, pending, 'spt_unknown'],
      client_ip: ['203.0.113.9', '::1', '2001:db8::1'],
    },
  }
}
