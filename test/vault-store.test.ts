import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { readMasterKey } from '@sallyport/adapters'
import {
  namedSecret,
  openVault,
  rotateKeys,
  type Store,
  systemClock,
  systemRandom,
  type Tx,
  type Vault,
} from '@sallyport/core'
import { createSqliteStore } from '@sallyport/store'
import { afterEach, beforeEach, expect, it } from 'vitest'

const clock = systemClock
const random = systemRandom
const masterKey = Buffer.from('mAsTeRcAnArYmAsTeRcAnArYmAsTeR!!')
const resealables = (tx: Tx) => [tx.enrolments, tx.secrets]

let directory: string
let path: string
const opened: Store[] = []

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'vault-store-'))
  path = join(directory, 'vault.db')
})

afterEach(async () => {
  await Promise.all(opened.splice(0).map((store) => store.close()))
  await rm(directory, { recursive: true })
})

async function openNode(key: Uint8Array = masterKey): Promise<{ store: Store; vault: Vault }> {
  const store = await createSqliteStore({ path, clock })
  opened.push(store)
  return { store, vault: await openVault({ store, masterKey: key, clock, random }) }
}

const secretOf = (name: string) => Buffer.from(`cAnArY of ${name}`)

async function addSecrets(
  { store, vault }: { store: Store; vault: Vault },
  count: number,
): Promise<string[]> {
  const names = Array.from({ length: count }, (_, i) => `secret-${i}`)
  await store.transaction(async (tx) => {
    for (const name of names) {
      const binding = { subject: 'installation', purpose: name }
      await tx.secrets.insert(name, vault.seal({ ...binding, plaintext: secretOf(name) }))
    }
  })
  return names
}

async function expectIntact(
  { store, vault }: { store: Store; vault: Vault },
  names: string[],
): Promise<void> {
  for (const name of names) {
    const make = () => expect.unreachable('the secret is there')
    expect(Buffer.from(await namedSecret({ store, vault, name, make }))).toEqual(secretOf(name))
  }
}

it('opens one vault for nodes that start on a new database at once, and none for a wrong key', async () => {
  const nodes = await Promise.all([openNode(), openNode(), openNode()])
  expect(new Set(nodes.map(({ vault }) => vault.activeKeyId)).size).toBe(1)
  const names = await addSecrets(nodes[0]!, 3)
  for (const node of nodes) await expectIntact(node, names)
  await expect(openNode(Buffer.alloc(32))).rejects.toMatchObject({ code: 'vault_wrong_key' })
})

it('leaves neither secrets nor keys in the files of the database', async () => {
  const node = await openNode()
  await addSecrets(node, 20)
  await rotateKeys({ ...node, clock, resealables })
  const files = await readdir(directory)
  expect(files).toContain('vault.db')
  for (const file of files) {
    const bytes = await readFile(join(directory, file))
    for (const canary of ['cAnArY', 'mAsTeRcAnArY']) {
      for (const encoding of ['hex', 'base64'] as const) {
        expect(bytes.includes(Buffer.from(canary).toString(encoding))).toBe(false)
      }
      expect(bytes.includes(canary)).toBe(false)
    }
  }
})

it('opens with a passphrase whose salt the database keeps', async () => {
  const { store } = await openNode()
  const source = { from: 'passphrase', passphrase: 'correct horse' } as const
  const key = await readMasterKey(source, { store, random })
  const again = await createSqliteStore({ path, clock })
  opened.push(again)
  expect(await readMasterKey(source, { store: again, random })).toEqual(key)
})

/** Rotates in a process of its own, a row a transaction, saying how far it is. */
const ROTATOR = `
  import { openVault, rotateKeys, systemClock as clock, systemRandom as random } from '@sallyport/core'
  import { createSqliteStore } from '@sallyport/store'
  const store = await createSqliteStore({ path: process.argv[1], clock })
  const vault = await openVault({ store, masterKey: Buffer.from(process.argv[2], 'hex'), clock, random })
  const resealables = (tx) => [tx.enrolments, tx.secrets]
  const onProgress = ({ done }) => process.stdout.write(done + '\\n')
  await rotateKeys({ store, vault, clock, resealables, batch: 1, onProgress })
`

it('goes on with a rotation whose process was killed, while another node works', async () => {
  const node = await openNode()
  const names = await addSecrets(node, 400)
  const args = ['--input-type=module', '-e', ROTATOR, path, masterKey.toString('hex')]
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] })
  const exit = once(child, 'exit')
  for await (const line of child.stdout.setEncoding('utf8')) if (Number.parseInt(line, 10) >= 5) break
  child.kill('SIGKILL')
  expect(await exit).toEqual([null, 'SIGKILL'])
  await expectIntact(node, names)

  const result = await rotateKeys({ ...node, clock, resealables })
  expect(result).toMatchObject({ resumed: true, unreadable: [] })
  expect(result.resealed).toBeGreaterThan(0)
  expect(result.resealed).toBeLessThan(400)
  const keys = await node.store.read((tx) => tx.vaultKeys.list())
  expect(keys.map(({ status }) => status).sort()).toEqual(['active', 'retiring'])
  expect(await node.store.read((tx) => tx.secrets.countSealedUnder(result.keyId))).toBe(400)
  await expectIntact(await openNode(), names)
})
