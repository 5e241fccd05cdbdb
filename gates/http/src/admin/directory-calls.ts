import {
  type ApiKey,
  type Application,
  builtInRoles,
  createApiKey,
  createApplication,
  revokeApiKey,
  ruleFor,
} from '@sallyport/core'
import { adminRoutes } from '@sallyport/protocol'
import type { Binder } from '../bind.ts'
import { iso, type LoginContext } from '../login/login-context.ts'
import { Refusal } from '../refusal.ts'
import {
  actorOf,
  describeSession,
  done,
  isoOrNull,
  knownRoles,
  noSuch,
  pageRequest,
  recordRead,
} from './admin-context.ts'

/** Applications and their keys, companies, roles, and who is signed in. */
export function registerDirectory(bind: Binder, login: LoginContext): void {
  const { services, config } = login
  const { store, clock, random, enforcement } = services

  bind(adminRoutes.applications, async ({ query }) => {
    const { items, next } = await store.read((tx) => tx.applications.list(pageRequest(query)))
    return { items: items.map(describeApplication), next }
  })

  bind(adminRoutes.createApplication, async (call) => {
    const { name, issuer = config.totpIssuer, rp_id: rpId = null, origins = [] } = call.body
    const wanted = { name, issuer, rpId, origins, actor: actorOf(call) }
    const made = await store.transaction(async (tx) =>
      (await createApplication(wanted, { tx, clock })) ? tx.applications.find(name) : null,
    )
    return made
      ? describeApplication(made)
      : new Refusal('already_exists', 'there is an application of this name already')
  })

  bind(adminRoutes.changeApplication, async (call) => {
    const { name } = call.params
    const { issuer, rp_id: rpId, origins } = call.body
    const change = {
      ...(issuer !== undefined && { issuer }),
      ...(rpId !== undefined && { rpId }),
      ...(origins !== undefined && { origins }),
    }
    const changed = await store.transaction(async (tx) => {
      if (!(await tx.applications.update(name, change))) return null
      const data = { application: name, fields: Object.keys(call.body) }
      tx.ledger.append({ type: 'application.changed', at: clock.now(), actor: actorOf(call), data })
      return tx.applications.find(name)
    })
    return changed ? describeApplication(changed) : noSuch('application')
  })

  bind(adminRoutes.apiKeys, async ({ query }) => {
    const { items, next } = await store.read((tx) => tx.apiKeys.list(pageRequest(query)))
    return { items: items.map(describeKey), next }
  })

  bind(adminRoutes.createApiKey, async (call) => {
    const { name, app: application, scopes } = call.body
    const wanted = { name, application, scopes, issuer: config.totpIssuer, actor: actorOf(call) }
    const { key, record } = await store.transaction((tx) => createApiKey(wanted, { tx, clock, random }))
    return { ...describeKey(record), key }
  })

  bind(adminRoutes.revokeApiKey, async (call) => {
    const revoked = { id: call.params.id, actor: actorOf(call) }
    const ended = await store.transaction((tx) => revokeApiKey(revoked, { tx, clock }))
    return ended ? done('The key is revoked.') : noSuch('key in force')
  })

  bind(adminRoutes.companies, async ({ query }) => {
    const { items, next } = await store.read((tx) => tx.companies.list(pageRequest(query)))
    return { items: items.map(({ name, createdAt }) => ({ name, created_at: iso(createdAt) })), next }
  })

  bind(adminRoutes.createCompany, async (call) => {
    const { name } = call.body
    const createdAt = clock.now()
    const made = await store.transaction(async (tx) => {
      const inserted = await tx.companies.insert({ name, createdAt })
      const record = { type: 'company.created', at: createdAt, actor: actorOf(call), data: { company: name } }
      if (inserted) tx.ledger.append(record)
      return inserted
    })
    if (!made) return new Refusal('already_exists', 'there is a company of this name already')
    return { name, created_at: iso(createdAt) }
  })

  bind(adminRoutes.removeCompany, async (call) => {
    const { name } = call.params
    const removed = await store.transaction(async (tx) => {
      if (!(await tx.companies.remove(name))) return false
      const data = { company: name }
      tx.ledger.append({ type: 'company.removed', at: clock.now(), actor: actorOf(call), data })
      return true
    })
    return removed ? done('The company is off the list.') : noSuch('company')
  })

  bind(adminRoutes.roles, async () => ({
    items: knownRoles(config, services).map((name) => {
      const { required, grace } = ruleFor(enforcement, name)
      const graceSeconds = Math.floor(grace / 1_000)
      return { name, built_in: builtInRoles.includes(name), required, grace_seconds: graceSeconds }
    }),
    next: null,
  }))

  bind(adminRoutes.allSessions, async (call) => {
    const { items, next } = await store.read((tx) => tx.sessions.list(clock.now(), pageRequest(call.query)))
    await recordRead(services, call, { what: 'sessions' })
    return { items: items.map(describeSession), next }
  })
}

function describeApplication({ name, issuer, rpId, origins, createdAt }: Application) {
  return { name, issuer, rp_id: rpId, origins, created_at: iso(createdAt) }
}

/** The hash stays here: with it, nothing is won, and nobody needs it. */
function describeKey({ id, name, application, scopes, createdAt, revokedAt, lastUsedAt }: ApiKey) {
  return {
    ...{ id, name, app: application, scopes, created_at: iso(createdAt) },
    ...{ revoked_at: isoOrNull(revokedAt), last_used_at: isoOrNull(lastUsedAt) },
  }
}
