import { rotateKeys, sealedPorts } from '@sallyport/core'
import type { Command } from 'commander'
import { createProgress, print, style } from '../output.ts'
import { addGroup, type CommonOptions, installationCommand, isoTime, withSallyport } from './common.ts'

export function addKeyCommands(program: Command): void {
  const rotation = installationCommand(
    'rotate',
    'seal every secret anew under a fresh key, while the product runs',
  )
    .addHelpText(
      'after',
      '\nInterrupted, the next call goes on where this one stopped.\n\nExample:\n  $ sallyport key rotate\n',
    )
    .action((options: CommonOptions) => rotate(options))
  const list = installationCommand('list', 'list the keys of the ring, without the keys themselves')
    .addHelpText('after', '\nExample:\n  $ sallyport key list\n')
    .action((options: CommonOptions) => listKeys(options))
  addGroup(program, { name: 'key', description: "the vault's keys", commands: [rotation, list] })
}

async function rotate(options: CommonOptions): Promise<void> {
  const result = await withSallyport(options, async ({ store, vault, clock }) => {
    const rotated = await rotateKeys({
      store,
      vault,
      clock,
      resealables: sealedPorts,
      onProgress: progressOf('sealing anew'),
    })
    const { keyId, resealed, retired } = rotated
    await store.transaction(async (tx) =>
      tx.ledger.append({
        type: 'vault.rotated',
        at: clock.now(),
        actor: 'cli',
        data: { key: keyId, resealed, retired },
      }),
    )
    return rotated
  })
  const { keyId, resumed, resealed, unreadable, retired } = result
  if (unreadable.length > 0) process.exitCode = 1
  print({
    json: options.json ?? false,
    data: { key: keyId, resumed, resealed, unreadable, retired },
    text: () =>
      [
        `${style.green(resumed ? 'finished the rotation that was interrupted' : 'rotated')}: ${resealed} secrets are now sealed under ${keyId}`,
        ...(retired.length > 0 ? [`retired ${retired.join(', ')}`] : []),
        ...(unreadable.length > 0
          ? [style.red(`${unreadable.length} do not open and were left: ${unreadable.join(', ')}`)]
          : []),
      ].join('\n'),
  })
}

function progressOf(label: string): (progress: { done: number; total: number }) => void {
  const show = createProgress(label)
  return ({ done, total }) => show(done, total)
}

async function listKeys(options: CommonOptions): Promise<void> {
  const keys = await withSallyport(options, ({ store }) => store.read((tx) => tx.vaultKeys.list()))
  const shown = keys.map(({ id, status, createdAt, retiredAt }) => ({
    id,
    status,
    created_at: isoTime(createdAt),
    retired_at: retiredAt === null ? null : isoTime(retiredAt),
  }))
  print({
    json: options.json ?? false,
    data: { keys: shown },
    text: () =>
      shown
        .map(
          (key) =>
            `${key.id}  ${key.status.padEnd(8)}  made ${key.created_at}${key.retired_at ? `, retired ${key.retired_at}` : ''}`,
        )
        .join('\n'),
  })
}
