import type { Tx } from '../store.ts'
import { checkpointEvent, gapEvent, ledgerAlerts, ledgerEvent, type SiemEvent } from './event.ts'
import type { ShippedThrough, SpoolRow } from './spool.ts'

/** An event, and what may be forgotten once it has arrived. */
export interface Item {
  event: SiemEvent
  row?: SpoolRow
  through?: Partial<ShippedThrough>
}

export interface Batch {
  items: Item[]
  /** How far there was nothing to ship, when nothing else is. */
  through: ShippedThrough
}

type Reading = Pick<Tx, 'spool' | 'ledger'>

const alertTypes = Object.keys(ledgerAlerts)

/**
 * What goes next, all of one priority: alerts, the ledger's alerts, checkpoints, the ledger's other entries,
 * other events; each in its own order.
 */
export async function nextBatch(
  tx: Reading,
  known: ShippedThrough | null,
  { limit, now }: { limit: number; now: number },
): Promise<Batch> {
  const through = known ?? (await beginning(tx))
  const spooled = async (lane: 'alert' | 'event'): Promise<Item[]> =>
    (await tx.spool.first(lane, limit)).map((row) => ({ event: row.event, row }))

  const alerts = await spooled('alert')
  if (alerts.length > 0) return { items: alerts, through }

  const head = await tx.ledger.head()
  if (head !== null) {
    const about = { ledger: head.ledger, now }
    const urgent =
      head.seq > through.alerts ? await ledgerAlertsAfter(tx, through.alerts, { limit, end: head.seq }) : []
    if (urgent.length > 0) {
      const items = urgent.map((entry) => ({
        event: ledgerEvent(entry, about),
        through: { alerts: entry.seq },
      }))
      return { items, through }
    }
    through.alerts = Math.max(through.alerts, head.seq)

    const checkpoints = await tx.ledger.checkpoints(through.checkpoints, limit)
    if (checkpoints.length > 0) {
      const items = checkpoints.map((one) => ({
        event: checkpointEvent(one),
        through: { checkpoints: one.seq },
      }))
      return { items, through }
    }
    const items = await otherEntries(tx, through, { limit, end: head.seq, ...about })
    if (items.length > 0) return { items, through }
  }
  return { items: await spooled('event'), through }
}

/** A ledger whose beginning was pruned before anything was to be shipped is shipped from where it begins. */
async function beginning(tx: Reading): Promise<ShippedThrough> {
  const first = (await tx.ledger.entries(0, 1))[0]
  const before = first === undefined ? 0 : first.seq - 1
  return { alerts: before, entries: before, checkpoints: 0 }
}

async function ledgerAlertsAfter(tx: Reading, after: number, { limit, end }: { limit: number; end: number }) {
  const found = []
  for (const type of alertTypes) found.push(...(await tx.ledger.entries(after, limit, { type })))
  return found
    .filter(({ seq }) => seq <= end)
    .sort((a, b) => a.seq - b.seq)
    .slice(0, limit)
}

/** Pages of nothing but alerts, which went before, are passed over. */
async function otherEntries(
  tx: Reading,
  through: ShippedThrough,
  { limit, end, ledger, now }: { limit: number; end: number; ledger: string; now: number },
): Promise<Item[]> {
  while (through.entries < end) {
    const page = (await tx.ledger.entries(through.entries, limit)).filter(({ seq }) => seq <= end)
    const first = page[0]?.seq ?? end + 1
    const missing = first - 1 - through.entries
    const items: Item[] = page
      .map((entry) => ({ event: ledgerEvent(entry, { ledger, now }), through: { entries: entry.seq } }))
      .filter(({ event }) => !(event.type in ledgerAlerts))
    if (missing > 0) {
      const details = { ledger, first: through.entries + 1, last: first - 1 }
      const id = `${ledger}:gap:${details.first}-${details.last}`
      const event = gapEvent({ id, at: now, count: missing, details })
      return [{ event, through: { entries: first - 1 } }, ...items]
    }
    if (items.length > 0) return items
    through.entries = page.at(-1)!.seq
  }
  return []
}
