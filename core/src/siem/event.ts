import { SallyportError } from '../errors.ts'
import { readEntry } from '../ledger/canonical.ts'
import { checkpointText } from '../ledger/checkpoint.ts'
import type { LedgerCheckpoint, LedgerEntry } from '../ledger/entry.ts'

export type SiemSeverity = 'info' | 'low' | 'medium' | 'high' | 'critical'

/** What leaves the building, before it is written in one of the formats. */
export interface SiemEvent {
  /** The same at every repetition: what a receiver drops duplicates by. */
  id: string
  at: number
  /** `attempt.completed`, `ip_blocked`, … */
  type: string
  severity: SiemSeverity
  address: string | null
  subject: string | null
  details: Readonly<Record<string, unknown>>
}

/** Who says it: stands in every line. */
export interface SiemSource {
  host: string
  version: string
}

/** Whoever is told of an alert should not first have to read all that was waiting before it. */
export function isAlert({ severity }: Pick<SiemEvent, 'severity'>): boolean {
  return severity === 'high' || severity === 'critical'
}

/** Entries of the ledger that go first. The others keep the order in which they were recorded. */
export const ledgerAlerts: Readonly<Record<string, SiemSeverity>> = {
  'admin.first_created': 'high',
  'attempt.breached': 'high',
  'break_glass.used': 'critical',
  'bundle.expired': 'high',
  'bundle.refused': 'high',
  'clock.set_back': 'high',
  'device.token_reused': 'high',
  'factors.reset': 'high',
  'line.stopped': 'high',
  'recording.gap': 'high',
  'sensor.failed': 'high',
  'session.refresh_reused': 'high',
  'enrolment.locked': 'high',
  'subject.locked': 'high',
  'tamper.detected': 'critical',
  'vault.rotated': 'high',
}

const ledgerSeverities: Readonly<Record<string, SiemSeverity>> = {
  ...ledgerAlerts,
  'apikey.created': 'medium',
  'apikey.revoked': 'medium',
  'attempt.refused': 'low',
  'attempt.step_failed': 'low',
  'attempt.rejected': 'low',
  'bundle.expiring': 'medium',
  'enrolment.rejected': 'low',
  'enrolment.revoked': 'medium',
  'factors.removed': 'medium',
  'ledger.pruned': 'medium',
  'mail.dropped': 'low',
  'password.refused': 'low',
  'password.throttled': 'medium',
  'subject.erased': 'medium',
  'subject.unlocked': 'low',
}

/**
 * With its place and hash in the chain, so that what was shipped can be held against an export. An entry that
 * is not what was recorded is worth an alert, and must not hold up those after it.
 */
export function ledgerEvent(entry: LedgerEntry, about: { ledger: string; now: number }): SiemEvent {
  try {
    return intactEvent(entry)
  } catch (error) {
    if (!(error instanceof SallyportError) || error.code !== 'ledger_damaged') throw error
    const { ledger, now: at } = about
    const { seq, hash } = entry
    return {
      ...{ id: `${ledger}:${seq}:damaged`, at, type: 'ledger.damaged', severity: 'critical' },
      ...{ address: null, subject: null, details: { ledger, seq, hash } },
    }
  }
}

function intactEvent(entry: LedgerEntry): SiemEvent {
  const { ledger, seq, prev, hash, at, type, subject, actor, gate, data } = readEntry(entry)
  const address = typeof data.address === 'string' ? data.address : null
  const details = { ledger, seq, hash, prev, ...(actor && { actor }), ...(gate && { gate }), ...data }
  return {
    ...{ id: `${ledger}:${seq}`, at, type, subject, address, details },
    severity: ledgerSeverities[type] ?? 'info',
  }
}

/** `checkpoint` is the text that `sallyport ledger verify --checkpoint` reads. */
export function checkpointEvent(checkpoint: LedgerCheckpoint): SiemEvent {
  const { ledger, seq, at } = checkpoint
  const details = { ledger, seq, checkpoint: checkpointText(checkpoint) }
  const id = `${ledger}:checkpoint:${seq}`
  return { id, at, type: 'ledger.checkpoint', severity: 'info', address: null, subject: null, details }
}

/** Stands for what is not there any more: so many, from the one up to the other. */
export function gapEvent(gap: {
  id: string
  at: number
  count: number
  details: Readonly<Record<string, unknown>>
}): SiemEvent {
  const { id, at, count, details } = gap
  return {
    ...{ id, at, type: 'siem.gap', severity: 'medium', address: null, subject: null },
    details: { count, ...details },
  }
}
