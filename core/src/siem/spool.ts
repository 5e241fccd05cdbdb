import type { Tx } from '../store.ts'
import { gapEvent, isAlert, type SiemEvent } from './event.ts'
import { bounded } from './one-line.ts'

/** Alerts are never dropped; of the other events the oldest are, at the cap. */
export type SpoolLane = 'alert' | 'event'

export interface SpoolRow {
  /** Its place: later ones are larger. */
  seq: number
  event: SiemEvent
}

/** How far the ledger was shipped, which is its own spool: sequence numbers. */
export interface ShippedThrough {
  alerts: number
  checkpoints: number
  entries: number
}

/** What is remembered between batches, by whichever node ships. */
export interface ShipperState {
  through: ShippedThrough | null
  sent: number
  lastSentAt: number | null
  /** Why the last batch was not confirmed; `null` when it was. */
  failure: { at: number; message: string } | null
}

export const newShipperState: ShipperState = { through: null, sent: 0, lastSentAt: null, failure: null }

export interface SpoolPort {
  add(lane: SpoolLane, event: SiemEvent): Promise<void>
  /** Oldest first. */
  first(lane: SpoolLane, limit: number): Promise<SpoolRow[]>
  /** `false` when another event stands in its place, or none. */
  remove(row: SpoolRow): Promise<boolean>
  /** Puts an event in the place of another. */
  replace(row: SpoolRow, event: SiemEvent): Promise<void>
  count(lane: SpoolLane): Promise<number>
  /** At least how many there are, without counting them. */
  span(lane: SpoolLane): Promise<number>
  /** One transaction at a time passes this, and then sees what the one before it did. */
  lock(): Promise<void>
  addDropped(count: number): Promise<void>
  shipper(): Promise<ShipperState & { dropped: number }>
  /**
   * Makes `holder` the one that ships until then; `false` when another is. A claim that ends after `absurd`
   * was made by a clock that has been set back since.
   */
  claim(holder: string, times: { now: number; until: number; absurd: number }): Promise<boolean>
  /** `false` when `holder` is not the one that ships any more. */
  save(holder: string, state: ShipperState): Promise<boolean>
}

export interface SpoolLimits {
  /** So many events that are no alerts are kept at most. */
  mostEvents: number
}

/** Stores events to be shipped, in the transaction of what they tell of. */
export async function spoolEvents(
  tx: Pick<Tx, 'spool'>,
  events: readonly SiemEvent[],
  { mostEvents }: SpoolLimits,
): Promise<void> {
  for (const event of events) await tx.spool.add(isAlert(event) ? 'alert' : 'event', bounded(event))
  if ((await tx.spool.span('event')) <= mostEvents) return
  await tx.spool.lock()
  const excess = (await tx.spool.count('event')) - mostEvents
  if (excess > 0) await dropOldest(tx, excess)
}

/** One entry stands for all that were dropped before and those dropped now, in the place of the last. */
async function dropOldest({ spool }: Pick<Tx, 'spool'>, excess: number): Promise<void> {
  const rows = await spool.first('event', excess + 1)
  const last = rows.at(-1)!
  for (const row of rows.slice(0, -1)) await spool.remove(row)
  const counts = rows.map(({ event }) => gapCount(event))
  const first = gapEnd(rows[0]!.event, 'first')
  const end = gapEnd(last.event, 'last')
  const details = { first: first.id, last: end.id, first_at: first.at, last_at: end.at }
  const count = counts.reduce<number>((sum, one) => sum + (one ?? 1), 0)
  // Whoever was sent a smaller gap before sees by its ends that this one holds it.
  const id = `gap:${first.id}..${end.id}`
  await spool.replace(last, gapEvent({ id, at: end.at, count, details }))
  await spool.addDropped(counts.filter((one) => one === null).length)
}

function gapCount({ type, details }: SiemEvent): number | null {
  return type === 'siem.gap' ? (details.count as number) : null
}

function gapEnd(event: SiemEvent, end: 'first' | 'last'): { id: string; at: number } {
  const { id, at, details } = event
  if (gapCount(event) === null) return { id, at }
  return { id: details[end] as string, at: details[`${end}_at`] as number }
}
