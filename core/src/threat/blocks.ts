import { type AddressRange, formatRange, networkOf } from '../address.ts'
import { type Clock, type Random, randomId } from '../clock.ts'
import { SallyportError } from '../errors.ts'
import type { Store, Tx } from '../store.ts'
import { addressKey } from './address-key.ts'
import { type BlockInForce, createAddressView, readRange } from './address-view.ts'
import type { Block, BlockKind, Failure } from './block.ts'
import type { ThreatReport, ThreatSeverity } from './event.ts'
import type { ThreatLog } from './threat-log.ts'

const minute = 60_000
/** Nodes' clocks differ by less than this; what lies further ahead was written by a clock since set back. */
const clockSkew = minute
const rowsAtOnce = 1_000

export interface BlockLimits {
  /** Off: nothing is counted, and only people block. */
  enabled: boolean
  /** So many failed sign-ins … */
  failures: number
  /** … in this time … */
  within: number
  /** … block for this long; for twice as long each further time, … */
  blockFor: number
  /** … but never for longer than this. */
  longest: number
  /** How long earlier blocks count. */
  repeatWithin: number
}

export interface BlocksOptions {
  store: Store
  clock: Clock
  random: Random
  threatLog: ThreatLog
  limits: BlockLimits
  /** Trusted proxies and the allow-list. */
  exempt: readonly string[]
  /** How many failing addresses are kept in memory. */
  tracked: number
}

export interface FailedSignIn {
  address: string
  /** `null` for a name that is nobody's. */
  subjectId: string | null
  application: string
  /** Such as `password`, `code`. */
  reason: string
}

export interface Blocks {
  /** Whether an address is blocked now, from memory. */
  find(address: string): BlockInForce | null
  /** Whether all of a range is never blocked, whatever stands against it. */
  isSpared(range: AddressRange): boolean
  /** A person's block: of everything, for `duration` milliseconds. One that stands is changed. */
  block(wanted: { range: string; reason: string; duration: number; actor: string }): Promise<Block>
  /** The guard's own: of sign-ins and guesses, for a time that grows. `null` where the address is spared. */
  blockAutomatically(offence: { address: string; reason: string }): Promise<Block | null>
  /** Lifts whatever stands against that very range, and forgets its failures. */
  unblock(wanted: { range: string; actor: string }): Promise<Block[]>
  /** Counts a failed sign-in, and blocks at the one too many. */
  failed(attempt: FailedSignIn): Promise<void>
  /** Forgets that subject's failures at the address: those against others stay. */
  succeeded(attempt: { address: string; subjectId: string }): Promise<void>
  /** Takes up what other processes did, and ends what ran out. */
  refresh(): Promise<void>
  /** Failed sign-ins of late from an address, as far as this process knows. */
  failuresOf(address: string): number
  readonly size: number
}

export function createBlocks(options: BlocksOptions): Blocks {
  const { store, clock, random, threatLog, limits, exempt, tracked } = options
  const seed = new DataView(random.bytes(4).slice().buffer).getUint32(0)
  const view = createAddressView({ exempt, tracked, seed })
  let revision: number | null = null
  let failuresFrom = clock.now() - limits.within
  let refreshing: Promise<void> | null = null

  /** The network that failures of an address are counted against; `null` where none are. */
  function countedNetwork(address: string): string | null {
    if (!limits.enabled || !addressKey(address)) return null
    const network = networkOf(address)
    return view.isExempt(readRange(network)!) ? null : network
  }

  async function block(wanted: Parameters<Blocks['block']>[0]): Promise<Block> {
    const range = readBlockable(wanted.range)
    if (view.isExempt(range)) {
      const message =
        'is never blocked: it is loopback, a trusted proxy, or on security.threat_detection.allow_list'
      throw unusable(`${formatRange(range)} ${message}`)
    }
    const { reason, duration, actor: by } = wanted
    const blocked = await store.transaction((tx) =>
      set(tx, { range: formatRange(range), kind: 'manual', reason, by, duration }),
    )
    await catchUp()
    return blocked
  }

  async function blockAutomatically({ address, reason }: { address: string; reason: string }) {
    const network = countedNetwork(address)
    if (network === null) return null
    const blocked = await store.transaction((tx) => blockNetwork(tx, network, reason))
    await catchUp()
    return blocked
  }

  async function blockNetwork(tx: Tx, network: string, reason: string): Promise<Block> {
    const now = clock.now()
    const range = formatRange(readRange(network)!)
    const standing = (await tx.blocks.lock(range)).find(
      (one) => one.kind === 'automatic' && one.blockedUntil > now,
    )
    if (standing) return standing
    const before = await tx.blocks.countAutomatic(range, now - limits.repeatWithin)
    const duration = Math.min(limits.longest, limits.blockFor * 2 ** Math.min(before, 30))
    return set(tx, { range, kind: 'automatic', reason, by: 'guard', duration })
  }

  /** One block of each kind stands against a range: a second one takes the first one's place. */
  async function set(
    tx: Tx,
    wanted: { range: string; kind: BlockKind; reason: string; by: string; duration: number },
  ): Promise<Block> {
    const { range, kind, reason, by, duration } = wanted
    const now = clock.now()
    const change = { reason, by, blockedAt: now, blockedUntil: now + duration }
    let standing: Block | null = null
    for (const one of (await tx.blocks.lock(range)).filter((held) => held.kind === kind)) {
      if (one.blockedUntil <= now) await runOut(tx, one)
      else standing = one
    }
    const blocked = standing
      ? { ...standing, ...change }
      : { id: randomId(random), range, kind, ...change, unblockedAt: null, autoUnblocked: false }
    if (standing) await tx.blocks.change(standing.id, change)
    else await tx.blocks.insert(blocked)
    const data = { block: blocked.id, range, kind, until: blocked.blockedUntil, reason }
    tx.ledger.append({ type: 'address.blocked', at: now, actor: by, data })
    const severity = kind === 'automatic' ? 'high' : 'medium'
    await tx.threats.append([
      report('ip_blocked', severity, { address: range, details: { kind, reason, by } }),
    ])
    return blocked
  }

  async function unblock({ range: text, actor }: { range: string; actor: string }): Promise<Block[]> {
    const range = formatRange(readBlockable(text))
    const lifted = await store.transaction(async (tx) => {
      const now = clock.now()
      const ended: Block[] = []
      // First, as where failures lead to a block: locks are always taken in one order.
      await tx.failures.lock(range)
      await tx.failures.save(range, [], now)
      for (const standing of await tx.blocks.lock(range)) {
        if (standing.blockedUntil <= now) await runOut(tx, standing)
        else if (await tx.blocks.end(standing.id, now, false)) ended.push({ ...standing, unblockedAt: now })
      }
      for (const { id, kind } of ended) {
        tx.ledger.append({ type: 'address.unblocked', at: now, actor, data: { block: id, range, kind } })
        await tx.threats.append([
          report('ip_unblocked', 'low', { address: range, details: { kind, by: actor } }),
        ])
      }
      return ended
    })
    await catchUp()
    return lifted
  }

  /** Its time is over: it ends at the moment that was set, whenever that comes to be written down. */
  async function runOut(tx: Tx, { id, range, kind, blockedUntil }: Block): Promise<void> {
    if (!(await tx.blocks.end(id, blockedUntil, true))) return
    const at = clock.now()
    tx.ledger.append({
      type: 'address.unblocked',
      at,
      actor: 'guard',
      data: { block: id, range, kind, auto: true },
    })
    await tx.threats.append([
      report('ip_unblocked', 'low', { address: range, details: { kind, auto: true } }),
    ])
  }

  async function failed({ address, subjectId, application, reason }: FailedSignIn): Promise<void> {
    const details = { reason, known: subjectId !== null }
    threatLog.record(report('failed_auth', 'low', { address, subject: subjectId, application, details }))
    const network = countedNetwork(address)
    if (network === null) return
    const counted = await store.transaction((tx) => countFailure(tx, network, subjectId ?? '?'))
    view.failures.set(addressKey(address)!, counted)
    if (counted.blocked) await catchUp()
  }

  async function countFailure(tx: Tx, network: string, who: string) {
    const now = clock.now()
    const failures = [...recent(await tx.failures.lock(network), now), { who, at: now }]
    const tooMany = failures.length >= limits.failures
    // A block wipes the slate: once it has run out, one more failure is one failure.
    await tx.failures.save(network, tooMany ? [] : failures, now)
    const reason = `${failures.length} failed sign-ins`
    const blocked = tooMany ? await blockNetwork(tx, network, reason) : null
    return { count: tooMany ? 0 : failures.length, time: now, blocked }
  }

  /** A time ahead of the clock counts as now. */
  function recent(failures: readonly Failure[], now: number): Failure[] {
    return failures.filter(({ at }) => now - at < limits.within)
  }

  async function succeeded({ address, subjectId }: { address: string; subjectId: string }): Promise<void> {
    const network = countedNetwork(address)
    // An address that never failed, which is nearly every one, costs nothing here.
    if (network === null || view.failures.find(addressKey(address)!) < 0) return
    const left = await store.transaction(async (tx) => {
      const failures = await tx.failures.lock(network)
      const others = failures.filter(({ who }) => who !== subjectId)
      if (others.length < failures.length) await tx.failures.save(network, others, clock.now())
      return others.length
    })
    if (left === 0) view.failures.delete(addressKey(address)!)
    else view.failures.set(addressKey(address)!, { count: left, time: clock.now() })
  }

  const refresh = (): Promise<void> => {
    refreshing ??= takeUp().finally(() => (refreshing = null))
    return refreshing
  }

  /** After a change of one's own: the view follows the order of the commits, whoever made them. */
  async function catchUp(): Promise<void> {
    await refreshing?.catch(() => undefined)
    await Promise.all([store.announce(), refresh()])
  }

  async function takeUp(): Promise<void> {
    const now = clock.now()
    await endDue(now)
    if (revision === null) {
      const start = await store.read((tx) => tx.blocks.revision())
      await takeBlocks(0, true)
      revision = start
    }
    revision = await takeBlocks(revision, false)
    await takeFailures(now)
  }

  async function takeBlocks(from: number, inForce: boolean): Promise<number> {
    for (let reached = from; ; ) {
      const after = reached
      const changed = await store.read((tx) => tx.blocks.changedAfter(after, rowsAtOnce, inForce))
      for (const one of changed.blocks) view.apply(one)
      reached = changed.revision
      if (changed.blocks.length < rowsAtOnce) return reached
    }
  }

  async function takeFailures(now: number): Promise<void> {
    for (let after = ''; ; ) {
      const seen = after
      const found = await store.read((tx) => tx.failures.since(failuresFrom, seen, rowsAtOnce))
      for (const { network, count, at } of found) {
        const key = addressKey(network.replace(/\/64$/, ''))
        if (key && count > 0) view.failures.set(key, { count, time: at })
      }
      if (found.length < rowsAtOnce) break
      after = found.at(-1)!.network
    }
    failuresFrom = now - clockSkew
  }

  /** A block that begins in the future outlived a clock that was set back: its length is measured from now. */
  async function endDue(now: number): Promise<void> {
    const due = () => store.read((tx) => tx.blocks.due(now, now + clockSkew, rowsAtOnce))
    for (let found = await due(); found.length > 0; found = await due()) {
      await store.transaction(async (tx) => {
        for (const { range } of found) {
          for (const one of await tx.blocks.lock(range)) {
            if (one.blockedUntil <= now) await runOut(tx, one)
            else if (one.blockedAt > now + clockSkew) await measureAnew(tx, one, now)
          }
        }
      })
    }
  }

  async function measureAnew(tx: Tx, block: Block, now: number): Promise<void> {
    const { id, range, kind, reason, by } = block
    const blockedUntil = now + (block.blockedUntil - block.blockedAt)
    await tx.blocks.change(id, { reason, by, blockedAt: now, blockedUntil })
    const data = { block: id, range, kind, until: blockedUntil, reason: 'the clock was set back' }
    tx.ledger.append({ type: 'address.blocked', at: now, actor: 'guard', data })
  }

  function report(
    type: string,
    severity: ThreatSeverity,
    more: Pick<ThreatReport, 'address' | 'details'> & Partial<Pick<ThreatReport, 'subject' | 'application'>>,
  ): ThreatReport {
    return { at: clock.now(), type, severity, subject: null, application: null, ...more }
  }

  return {
    ...{ block, blockAutomatically, unblock, failed, succeeded, refresh },
    find: (address) => view.find(address, clock.now()),
    isSpared: view.isExempt,
    failuresOf(address) {
      const key = addressKey(address)
      const place = key ? view.failures.find(key) : -1
      const expired = place < 0 || clock.now() - view.failures.time(place) >= limits.within
      return expired ? 0 : view.failures.count(place)
    },
    get size() {
      return view.size
    },
  }
}

/** What a person names to be blocked or unblocked. */
function readBlockable(text: string): AddressRange {
  const range = readRange(text.trim())
  if (!range) throw unusable('must be an IPv4 or IPv6 address, or a range such as 203.0.113.0/24')
  return range
}

function unusable(message: string): SallyportError {
  const faults = [{ path: 'ip_address', message }]
  return new SallyportError('invalid_input', `ip_address: ${message}`, { faults })
}
