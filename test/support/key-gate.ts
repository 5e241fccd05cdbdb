import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createApiKey, systemRandom } from '@sallyport/core'
import { type AdminGate, openAdminGate, type Signed } from './admin-gate.ts'
import { makeSecurityKey, type SecurityKey } from './security-key.ts'

export const page = 'https://login.example.org'

/** A gate at `https://login.example.org` whose keys are those of `example.org`. */
export async function openKeyGate(
  options: { fido2?: object; policies?: object; required?: boolean; location?: string } = {},
) {
  const { fido2 = {}, policies, required = false, location } = options
  const directory = mkdtempSync(join(tmpdir(), 'sallyport-keys-'))
  const write = (name: string, document: object) => {
    const path = join(directory, name)
    // JSON is YAML.
    writeFileSync(path, JSON.stringify(document))
    return path
  }
  const config = write('sallyport.yaml', {
    // The address that the pages have, not the one that is listened on.
    public_url: page,
    trusted_proxies: ['127.0.0.1'],
    ...(policies && { login_policies: write('policies.yaml', policies) }),
    // Few, since each costs a slow hash.
    security: { mfa: { backup_codes: 5, required, grace: '0s', fido2: { rp_id: 'example.org', ...fido2 } } },
  })
  const gate = await openAdminGate({ config, ...(location && { location }) })

  async function post(path: string, body: object, token?: string) {
    return gate.call('POST', path, { body, ...(token && { token }) })
  }

  /** Registers a key for somebody who is signed in; fails when it is not taken. */
  async function register(
    token: string,
    key: SecurityKey = makeSecurityKey({ origin: page }),
    name?: string,
  ) {
    const { body: options } = await post(
      '/auth/mfa/enroll/webauthn/options',
      { ...(name && { name }) },
      token,
    )
    const answer = await post('/auth/mfa/enroll/webauthn/verify', { response: key.create(options) }, token)
    if (answer.status !== 200) throw new Error(`the key was not registered: ${answer.text}`)
    return { key, ...answer.body }
  }

  /** Somebody with a key and nothing else, who proved nothing yet. */
  async function addKeyHolder(key?: SecurityKey): Promise<Signed & { key: SecurityKey; id: string }> {
    const signed = await gate.signIn()
    return { ...signed, ...(await addKey(signed.subject, key)) }
  }

  /** Another key of somebody's, whatever was proved; without the backup codes, which take time. */
  async function addKey(subject: Signed['subject'], key = makeSecurityKey({ origin: page })) {
    const webauthn = gate.services.webauthn!
    const begun = await webauthn.begin({ subject, account: 'a', name: 'Key', asFirst: false })
    if (begun.status !== 'begun') throw new Error('keys are off')
    const response = key.create(begun.options)
    const confirmed = await webauthn.confirm({ subject, response })
    if (confirmed.status !== 'confirmed') throw new Error(`the key is ${confirmed.status}`)
    return { key, id: response.id as string }
  }

  /** A key to the service API, of an application with its own domain and pages or with none. */
  async function addApiKey(
    application: string,
    rp = { rpId: null as string | null, origins: [] as string[] },
  ) {
    const { clock } = gate
    return gate.store.transaction(async (tx) => {
      const scopes = ['mfa:read', 'mfa:write'] as const
      const wanted = { application, name: application, scopes, issuer: application, actor: 'test' }
      const { key } = await createApiKey(wanted, { tx, clock, random: systemRandom })
      await tx.applications.update(application, rp)
      return key
    })
  }

  /** A sign-in that stands before its second factor. */
  async function pending(signed: Pick<Signed, 'subject'>): Promise<string> {
    const { body } = await gate.login(signed.subject)
    return body.temp_token
  }

  async function assertion(key: SecurityKey, tempToken: string) {
    const { body } = await post('/auth/mfa/webauthn/options', { temp_token: tempToken })
    return key.get(body)
  }

  const verify = (tempToken: string, response: unknown) =>
    post('/auth/mfa/verify', { temp_token: tempToken, method: 'webauthn', response })

  return {
    ...gate,
    ...{ post, register, addApiKey, addKey, addKeyHolder, pending, assertion, verify },
    async signInWith(holder: { subject: Signed['subject']; key: SecurityKey }) {
      const tempToken = await pending(holder)
      return verify(tempToken, await assertion(holder.key, tempToken))
    },
    async close() {
      await gate.close()
      rmSync(directory, { recursive: true, force: true })
    },
  }
}

export type KeyGate = Awaited<ReturnType<typeof openKeyGate>> & Pick<AdminGate, 'url'>
