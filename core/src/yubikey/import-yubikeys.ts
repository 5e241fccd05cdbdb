import type { Clock } from '../clock.ts'
import type { Store } from '../store.ts'
import type { Vault } from '../vault/vault.ts'
import { readYubikeyRow, type YubikeyRow } from './import-row.ts'
import { yubikeyBinding } from './self-hosted.ts'

const batchSize = 200

export interface YubikeyImportFinding {
  line: number
  kind: 'refused' | 'existing'
  reason: string
}

export interface YubikeyImportSummary {
  rows: number
  /** Imported, or ready to be. */
  fit: number
  existing: number
  refused: number
}

export interface YubikeyImport {
  store: Store
  vault: Vault
  clock: Clock
  actor: string
  /** Without it nothing is written. */
  apply: boolean
  report(finding: YubikeyImportFinding): void
}

interface Numbered {
  line: number
  row: YubikeyRow
}

/** Takes in the keys of a log, in batches that are each one commit. Run again, it goes on where it stopped. */
export async function importYubikeys(
  lines: AsyncIterable<string> | Iterable<string>,
  context: YubikeyImport,
): Promise<YubikeyImportSummary> {
  const { report } = context
  const summary = { rows: 0, fit: 0, existing: 0, refused: 0 }
  const seen = new Map<string, number>()
  const tell = (finding: YubikeyImportFinding) => {
    summary[finding.kind]++
    report(finding)
  }
  let batch: Numbered[] = []
  const flush = async () => {
    const { taken, existing } = await takeBatch(batch, context)
    summary.fit += taken
    for (const line of existing) tell({ line, kind: 'existing', reason: 'a key with this public id is here' })
    batch = []
  }
  let line = 0
  for await (const text of lines) {
    line++
    const read = readYubikeyRow(text)
    if (read === null) continue
    summary.rows++
    if ('fault' in read) {
      tell({ line, kind: 'refused', reason: read.fault })
      continue
    }
    const before = seen.get(read.row.publicId)
    if (before !== undefined) {
      tell({ line, kind: 'refused', reason: `has the public id of line ${before}` })
      continue
    }
    seen.set(read.row.publicId, line)
    batch.push({ line, row: read.row })
    if (batch.length === batchSize) await flush()
  }
  await flush()
  return summary
}

async function takeBatch(batch: readonly Numbered[], { store, vault, clock, actor, apply }: YubikeyImport) {
  const importedAt = clock.now()
  if (!apply) {
    return store.read(async (tx) => {
      const existing: number[] = []
      for (const { line, row } of batch) if (await tx.yubikeys.find(row.publicId)) existing.push(line)
      return { taken: batch.length - existing.length, existing }
    })
  }
  const sealed = batch.map(({ line, row: { publicId, serial, secret } }) => ({
    line,
    key: {
      ...{ publicId, serial, importedAt },
      sealed: vault.seal({ ...yubikeyBinding(publicId), plaintext: secret }),
    },
  }))
  return store.transaction(async (tx) => {
    const existing: number[] = []
    for (const { line, key } of sealed) if (!(await tx.yubikeys.insert(key))) existing.push(line)
    const taken = batch.length - existing.length
    if (taken > 0)
      tx.ledger.append({ type: 'yubikeys.imported', at: importedAt, actor, data: { keys: taken } })
    return { taken, existing }
  })
}

export function removeYubikey(
  { publicId, actor }: { publicId: string; actor: string },
  { store, clock }: { store: Store; clock: Clock },
): Promise<boolean> {
  return store.transaction(async (tx) => {
    const removed = await tx.yubikeys.remove(publicId)
    const data = { public_id: publicId }
    if (removed) tx.ledger.append({ type: 'yubikey.removed', at: clock.now(), actor, data })
    return removed
  })
}
