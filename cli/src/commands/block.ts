import type { Block } from '@sallyport/core'
import { SallyportError } from '@sallyport/core'
import type { Command } from 'commander'
import { readDuration } from '../config.ts'
import { print, style, table } from '../output.ts'
import { type CommonOptions, installationCommand, isoTime, withSallyport } from './common.ts'

const actor = 'cli'

interface BlockOptions extends CommonOptions {
  for?: string
  reason: string
}

/** Blocks made here hold on running nodes within a second. */
export function addBlockCommand(program: Command): void {
  const block = installationCommand('block', 'shut an address or a range out of everything for a time')
    .argument('<address>', 'an address, or a range such as 203.0.113.0/24; IPv6 counts by the /64')
    .option(
      '--for <duration>',
      'such as 30m, 2h or 7d (default: security.threat_detection.ip_block_duration)',
    )
    .option('--reason <text>', 'why, for whoever looks at it later', 'blocked by an operator')
    .addHelpText('after', "\nExample:\n  $ sallyport block 203.0.113.0/24 --for 2h --reason 'scans us'\n")
    .action((address: string, options: BlockOptions) => blockAddress(address, options))
  program.addCommand(block.exitOverride())
}

export function addUnblockCommand(program: Command): void {
  const unblock = installationCommand('unblock', 'lift whatever stands against an address or a range')
    .argument('<address>', 'as it was blocked')
    .addHelpText('after', '\nExample:\n  $ sallyport unblock 203.0.113.0/24\n')
    .action((address: string, options: CommonOptions) => unblockAddress(address, options))
  program.addCommand(unblock.exitOverride())
}

export function addBlockedCommand(program: Command): void {
  const blocked = installationCommand('blocked', 'list what is blocked now')
    .option('--all', 'past blocks too')
    .option('--after <cursor>', 'the page after this cursor')
    .addHelpText('after', '\nExample:\n  $ sallyport blocked --json\n')
    .action((options: CommonOptions & { all?: boolean; after?: string }) => listBlocked(options))
  program.addCommand(blocked.exitOverride())
}

async function blockAddress(range: string, options: BlockOptions): Promise<void> {
  const wanted = options.for === undefined ? null : readDuration(options.for)
  if (options.for !== undefined && (wanted ?? 0) < 1_000) {
    throw new SallyportError(
      'invalid_input',
      '--for: must be a duration of 1s at least, such as 30m, 2h or 7d',
    )
  }
  const reason = options.reason.trim()
  if (!/^[^\p{Cc}\p{Zl}\p{Zp}]{1,200}$/u.test(reason)) {
    throw new SallyportError('invalid_input', '--reason: must be one line of 1 to 200 characters')
  }
  const made = await withSallyport(options, ({ blocks, config }) => {
    const duration = wanted ?? config.security.threat_detection.ip_block_duration
    return blocks.block({ range, reason, duration, actor })
  })
  print({
    json: options.json ?? false,
    data: describe(made),
    text: () => `${style.green('blocked')} ${made.range} until ${isoTime(made.blockedUntil)}`,
  })
}

async function unblockAddress(range: string, options: CommonOptions): Promise<void> {
  const lifted = await withSallyport(options, ({ blocks }) => blocks.unblock({ range, actor }))
  if (lifted.length === 0) {
    throw new SallyportError(
      'not_found',
      `${range}: is not blocked by itself; \`sallyport blocked\` lists what is`,
    )
  }
  print({
    json: options.json ?? false,
    data: { unblocked: lifted.map(describe) },
    text: () => `${style.green('unblocked')} ${lifted[0]!.range}`,
  })
}

async function listBlocked(options: CommonOptions & { all?: boolean; after?: string }): Promise<void> {
  const page = await withSallyport(options, ({ store, clock }) =>
    store.read((tx) =>
      tx.blocks.list({
        limit: 100,
        after: options.after ?? null,
        ...(options.all ? {} : { inForceAt: clock.now() }),
      }),
    ),
  )
  print({
    json: options.json ?? false,
    data: { blocks: page.items.map(describe), next: page.next },
    text: () => {
      if (page.items.length === 0) return 'nothing is blocked'
      const rows = page.items.map(({ range, kind, blockedUntil, unblockedAt, by, reason }) => [
        ...[range, kind, isoTime(blockedUntil), isoTime(unblockedAt), by, reason],
      ])
      const more = page.next === null ? '' : `\n${style.dim(`more: --after ${page.next}`)}`
      return table(['ADDRESS', 'KIND', 'UNTIL', 'LIFTED', 'BY', 'REASON'], rows) + more
    },
  })
}

function describe(block: Block) {
  const { id, range, kind, reason, by, blockedAt, blockedUntil, unblockedAt, autoUnblocked } = block
  return {
    ...{ id, ip_address: range, kind, reason, blocked_by: by },
    blocked_at: isoTime(blockedAt),
    blocked_until: isoTime(blockedUntil),
    unblocked_at: unblockedAt === null ? null : isoTime(unblockedAt),
    auto_unblocked: autoUnblocked,
  }
}
