import { hostname } from 'node:os'
import { createShipper, randomId, type ShipperOptions, shipperStatus } from '@sallyport/core'
import type { Sallyport } from './sallyport.ts'

const lookEvery = 1_000

/** Ships evidence while the product runs, if there is where to; answers what stops it. */
export function startShipping(sallyport: Sallyport, log: ShipperOptions['log']): () => Promise<void> {
  const { siem, store, clock, random } = sallyport
  if (siem === null) return async () => {}
  const { transport, format } = siem
  const holder = `${hostname()}:${process.pid}:${randomId(random)}`
  const shipper = createShipper({ store, clock, holder, transport, format, log })
  const timer = setInterval(() => void shipper.kick(), lookEvery).unref()
  return async () => {
    clearInterval(timer)
    await shipper.stop()
  }
}

export function siemMeasures({ siem, store }: Pick<Sallyport, 'siem' | 'store'>) {
  if (siem === null) return []
  const read = async () => {
    const { waiting, sent, dropped, lastSentAt, failure } = await shipperStatus(store)
    return {
      alerts_waiting: waiting.alerts,
      events_waiting: waiting.events,
      ledger_entries_waiting: waiting.entries,
      ...{ sent, dropped, failing: failure === null ? 0 : 1 },
      last_confirmed_seconds: Math.floor((lastSentAt ?? 0) / 1_000),
    }
  }
  return [{ name: 'sallyport_siem', help: 'What is shipped to the SIEM, of all nodes', label: 'what', read }]
}

/** What the doctor says of it. */
export async function checkSiem({ siem, store }: Pick<Sallyport, 'siem' | 'store'>) {
  const check = 'siem'
  if (siem === null) {
    const found = 'none is configured: nothing is sent'
    const mend = 'name one in siem, or keep checkpoints elsewhere with `sallyport ledger checkpoint`'
    return { check, status: 'warning' as const, found, mend }
  }
  const { waiting, dropped, lastSentAt, failure } = await shipperStatus(store)
  const { alerts, events, entries } = waiting
  const last = lastSentAt === null ? 'nothing confirmed yet' : `last confirmed ${isoTime(lastSentAt)}`
  const found = [
    siem.described,
    `waiting: ${alerts} alerts, ${entries} ledger entries, ${events} other events`,
    ...(dropped > 0 ? [`${dropped} dropped at the cap`] : []),
    last,
    ...(failure === null ? [] : [`since ${isoTime(failure.at)} ${failure.message}`]),
  ].join('; ')
  if (failure === null) return { check, status: 'ok' as const, found }
  return { check, status: 'failed' as const, found, mend: 'try it with `sallyport siem test`' }
}

function isoTime(at: number): string {
  return new Date(at).toISOString()
}
