import {
  type BackupSettings,
  type Clock,
  canonicalAlias,
  isBackupCode,
  type Random,
  type Store,
  type Subject,
  type Vault,
} from '@sallyport/core'
import type { Directory, DirectoryStatus } from '../bundle/directory.ts'
import type { ShimConfig } from '../config/shim-config.ts'
import { type Enrollable, enrolTechnicians } from './enrol-technicians.ts'

/** Who may ask to pass: those that the configuration lists, and those of the bundle while it holds. */
export interface Roster {
  /** `alias` must be canonical. */
  find(alias: string): Subject | null
  /** Everybody who was on it since the start, by their ids: locks and sessions outlive a change. */
  readonly known: ReadonlyMap<string, Subject>
  nameOf(id: string): string | undefined
  /** How many sets of backup codes such a code is held against: of that subject, and at most of anybody. */
  setsFor(code: string, subjectId: string | null): { own: number; most: number }
  /** Takes in what changed. Only while the clock is to be trusted. */
  refresh(): Promise<void>
  /** `null` without a directory. */
  directory(): DirectoryStatus | null
}

interface Member {
  subject: Subject
  name: string | undefined
  bundled: boolean
  /** Of each set of backup codes. */
  formats: BackupSettings['format'][]
}

export async function createRoster(parts: {
  config: Pick<ShimConfig, 'technicians' | 'totp'>
  directory: Directory | null
  store: Store
  vault: Vault
  clock: Clock
  random: Random
  /** Who is no longer on it, by their ids. */
  onGone(ids: readonly string[]): void
}): Promise<Roster> {
  const { config, directory } = parts
  const listed = new Set(config.technicians.map(({ id }) => canonicalAlias(id)!))
  const known = new Map<string, Subject>()
  let members = new Map<string, Member>()
  let enrolled: string | null = null
  let refreshing: Promise<void> | null = null

  /** Whom the configuration lists itself is whoever it says. */
  function bundled(): Enrollable[] {
    const people = directory?.current()?.technicians ?? []
    return people
      .filter(({ id }) => !listed.has(canonicalAlias(id)!))
      .map(({ factors, ...person }) => ({
        ...person,
        factors: factors.map((opened) => ({ type: opened.type, opened })),
      }))
  }

  async function enrolAll(): Promise<void> {
    const digest = directory?.current()?.digest ?? null
    const people = bundled()
    const subjects = await enrolTechnicians([...config.technicians, ...people], {
      ...parts,
      totp: config.totp,
    })
    const next = new Map<string, Member>()
    for (const [from, list] of [config.technicians, people].entries()) {
      for (const { id, name, factors } of list) {
        const formats = formatsOf(factors)
        next.set(canonicalAlias(id)!, { subject: subjects.get(id)!, name, bundled: from === 1, formats })
      }
    }
    const gone = [...members].flatMap(([alias, { subject }]) => (next.has(alias) ? [] : [subject.ref]))
    for (const { subject } of next.values()) known.set(subject.ref, subject)
    members = next
    enrolled = digest
    if (gone.length > 0) parts.onGone(gone)
  }

  async function refresh(): Promise<void> {
    await directory?.look()
    // A change that could not be written to the end is written again.
    if ((directory?.current()?.digest ?? null) !== enrolled) await enrolAll()
  }

  await enrolAll()

  return {
    known,
    find(alias) {
      const member = members.get(alias)
      return member === undefined || (member.bundled && !directory?.holds()) ? null : member.subject
    },
    setsFor(code, subjectId) {
      const counts = { own: 0, most: 0 }
      for (const { subject, formats } of members.values()) {
        const sets = formats.filter((format) => isBackupCode(code, format)).length
        if (subject.id === subjectId) counts.own = sets
        counts.most = Math.max(counts.most, sets)
      }
      return counts
    },
    nameOf: (id) => members.get(canonicalAlias(id)!)?.name,
    refresh() {
      refreshing ??= refresh().finally(() => {
        refreshing = null
      })
      return refreshing
    },
    directory: () => directory?.status() ?? null,
  }
}

function formatsOf(factors: Enrollable['factors']): BackupSettings['format'][] {
  return factors.flatMap((factor) => {
    if (factor.type !== 'backup') return []
    // what this gate's configuration holds is short; a bundle says what it brings
    const brought = 'opened' in factor && 'settings' in factor.opened ? factor.opened.settings.format : null
    return [brought ?? 'short']
  })
}
