import { canonicalAlias, SallyportError } from '@sallyport/core'
import type { Authority } from '../decide/authority.ts'
import { wholePort } from '../state/port-state.ts'
import type { PortGate } from './port.ts'

/**
 * Lifts locks: of one technician, of one port, or all there are. A technician's failures are counted over all
 * ports, so that whoever is unlocked is unlocked on all of them.
 */
export function createUnlock(parts: {
  gates: ReadonlyMap<string, PortGate>
  gateOf(id: string | undefined): PortGate[]
  authority: Authority
}) {
  const { gates, gateOf, authority } = parts

  /** Of somebody who may pass, or who was locked: any other name was spelled wrong. */
  async function aliasToUnlock(technician: string): Promise<string> {
    const alias = canonicalAlias(technician)
    const isLocked = [...gates.values()].some((gate) =>
      gate.status().locked.some((lock) => lock !== wholePort && canonicalAlias(lock) === alias),
    )
    if (alias !== null && (isLocked || (await authority.isKnown(alias)))) return alias
    throw new SallyportError('not_found', `there is no technician "${technician}", and no lock of that name`)
  }

  return async (what: { port?: string | undefined; technician?: string | undefined }) => {
    const { port, technician } = what
    const chosen = gateOf(port)
    const aliases = new Set(
      technician === undefined
        ? chosen.flatMap((gate) => gate.status().locked.map((lock) => canonicalAlias(lock)))
        : [await aliasToUnlock(technician)],
    )
    const unlocked = new Set<string>()
    for (const gate of gates.values()) {
      const isChosen = chosen.includes(gate)
      const whole = isChosen && technician === undefined
      const { locked } = gate.status()
      const locks = locked.filter((lock) => (lock === wholePort ? whole : aliases.has(canonicalAlias(lock))))
      if (!isChosen && locks.length === 0) continue
      // Failures are forgotten where nothing is locked yet, too.
      const also = whole ? [wholePort] : technician === undefined ? [] : [technician]
      await authority.unlock(gate.id, [...new Set([...locks, ...also])])
      await gate.send({ type: 'unlocked', locks })
      for (const lock of locks) unlocked.add(lock)
    }
    return { unlocked: [...unlocked] }
  }
}
