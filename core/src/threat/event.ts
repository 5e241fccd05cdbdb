import type { LedgerValue } from '../ledger/entry.ts'

export type ThreatSeverity = 'low' | 'medium' | 'high' | 'critical'

export const threatSeverities: readonly ThreatSeverity[] = ['low', 'medium', 'high', 'critical']

/** What an event says before it is stored. */
export interface ThreatReport {
  at: number
  /** `failed_auth`, `ip_blocked`, `ip_unblocked`, `suspicious_pattern`, … */
  type: string
  severity: ThreatSeverity
  /** In its one spelling; a range where one was blocked. */
  address: string | null
  subject: string | null
  application: string | null
  details: Readonly<Record<string, LedgerValue>>
}

export interface ThreatEvent extends ThreatReport {
  /** In the order of their commits, without gaps: whoever has seen one knows what comes after it. */
  id: number
}

export interface ThreatFilter {
  type?: string
  severity?: ThreatSeverity
  address?: string
  subject?: string
  application?: string
  since?: number
  until?: number
}

export interface ThreatSummary {
  total: number
  byType: Record<string, number>
  /** Hours in which anything happened, oldest first. */
  hours: { at: number; total: number; byType: Record<string, number> }[]
  /** The most frequent first. */
  addresses: { address: string; count: number }[]
}

export interface ThreatPort {
  append(reports: readonly ThreatReport[]): Promise<void>
  /** Newest first, ending before the event `before`. */
  latest(before: number | null, limit: number, filter?: ThreatFilter): Promise<ThreatEvent[]>
  /** Oldest first, beginning after the event `after`. */
  after(after: number, limit: number): Promise<ThreatEvent[]>
  /** The id of the last event; 0 before the first. */
  last(): Promise<number>
  /** From counts by the hour, never from the events themselves. */
  summary(range: { from: number; to: number }): Promise<ThreatSummary>
  /** How often each type happened at an address since a time; a thousand events at most are looked at. */
  countAt(network: string, since: number): Promise<Record<string, number>>
  prune(before: number, limit: number): Promise<number>
}
