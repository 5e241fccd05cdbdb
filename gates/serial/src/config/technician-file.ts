import { canonicalAlias, type Fault, faultsOf, settingsRefused } from '@sallyport/core'
import { z } from 'zod'
import { person } from './factor-config.ts'

/** A YubiKey that was programmed for one gate. */
export interface ProgrammedYubikey {
  type: 'yubikey'
  id: string
  private_id: string
  key: string
}

export interface ListedTechnician {
  id: string
  name?: string | undefined
  yubikeys: ProgrammedYubikey[]
}

const file = z.strictObject({ technicians: z.array(person).max(10_000) })

/** Technicians as the configuration lists them, for a bundle: what a gate shares with no other is made for it. */
export function parseTechnicianFile(input: unknown, where: string): ListedTechnician[] {
  const parsed = file.safeParse(input, { reportInput: true })
  if (!parsed.success) throw settingsRefused(faultsOf(parsed.error), where)
  const people = parsed.data.technicians
  const faults: Fault[] = []
  const seen = new Set<string>()
  const once = (value: string, path: string) => {
    if (seen.has(value)) faults.push({ path, message: 'is there already' })
    seen.add(value)
  }
  const listed = people.map(({ id, name, factors }, at): ListedTechnician => {
    once(canonicalAlias(id)!, `technicians[${at}].id`)
    const yubikeys = factors.flatMap((factor, index): ProgrammedYubikey[] => {
      const path = `technicians[${at}].factors[${index}]`
      if (factor.type !== 'yubikey' || factor.key === undefined) {
        const message =
          factor.type === 'yubikey'
            ? 'needs private_id and key: what another gate sealed does not open here'
            : 'is made for each gate anew: leave it out'
        faults.push({ path, message })
        return []
      }
      once(`key ${factor.id}`, `${path}.id`)
      const [privateId, key] = [factor.private_id!.toLowerCase(), factor.key.toLowerCase()]
      return [{ type: 'yubikey', id: factor.id, private_id: privateId, key }]
    })
    return { id, name, yubikeys }
  })
  if (faults.length > 0) throw settingsRefused(faults, where)
  return listed
}
