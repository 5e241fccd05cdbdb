import { hash } from 'node:crypto'
import { type Clock, type Random, randomId } from '../clock.ts'
import { SallyportError } from '../errors.ts'
import type { ApiKey, Application, Tx } from '../store.ts'
import { loginApplication } from '../subject/subjects.ts'

export const apiKeyScopes = ['mfa:read', 'mfa:write', 'security:read', 'security:write', 'admin'] as const

export type ApiKeyScope = (typeof apiKeyScopes)[number]

const applicationName = /^[a-z0-9][a-z0-9_-]{0,63}$/

/** The login users belong to the gate itself: no application is theirs, and no key sees them. */
export function checkApplicationName(name: string): void {
  if (!applicationName.test(name)) {
    throw refuse(`${JSON.stringify(name)} is no name of an application (small letters, digits, _ and -)`)
  }
  if (name === loginApplication) throw refuse(`${JSON.stringify(name)} is the login gate's own name`)
}

function refuse(message: string): SallyportError {
  return new SallyportError('invalid_input', message, { faults: [{ path: 'app', message }] })
}

export interface NewApiKey {
  application: string
  name: string
  scopes: readonly ApiKeyScope[]
  /** What authenticator apps show for an application that the key is the first of. */
  issuer: string
  actor: string
}

/** Makes a key, and its application where there is none yet. `key` exists nowhere else: it is shown once. */
export async function createApiKey(
  wanted: NewApiKey,
  context: { tx: Tx; clock: Clock; random: Random },
): Promise<{ key: string; record: ApiKey }> {
  const { application, name, issuer, actor } = wanted
  const { tx, clock, random } = context
  checkApplicationName(application)
  const key = `spk_${Buffer.from(random.bytes(32)).toString('base64url')}`
  const at = clock.now()
  const record: ApiKey = {
    ...{ id: randomId(random), application, name, hash: hash('sha256', key, 'hex') },
    ...{ scopes: [...new Set(wanted.scopes)], createdAt: at, revokedAt: null, lastUsedAt: null },
  }
  await createApplication({ name: application, issuer, rpId: null, origins: [], actor }, { tx, clock })
  await tx.apiKeys.insert(record)
  const data = { key: record.id, application, scopes: record.scopes }
  tx.ledger.append({ type: 'apikey.created', at, actor, data })
  return { key, record }
}

export async function revokeApiKey(
  revoked: { id: string; actor: string },
  { tx, clock }: { tx: Tx; clock: Clock },
): Promise<boolean> {
  const { id, actor } = revoked
  const at = clock.now()
  const done = await tx.apiKeys.revoke(id, at)
  if (done) tx.ledger.append({ type: 'apikey.revoked', at, actor, data: { key: id } })
  return done
}

/** `false` when there is one of that name already, which stays as it is. */
export async function createApplication(
  wanted: Omit<Application, 'createdAt'> & { actor: string },
  { tx, clock }: { tx: Tx; clock: Clock },
): Promise<boolean> {
  const { actor, ...application } = wanted
  checkApplicationName(application.name)
  const at = clock.now()
  const made = await tx.applications.insert({ ...application, createdAt: at })
  const data = { application: application.name }
  if (made) tx.ledger.append({ type: 'application.created', at, actor, data })
  return made
}
