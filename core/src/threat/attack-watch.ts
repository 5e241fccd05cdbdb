import { createHmac } from 'node:crypto'
import { networkOf } from '../address.ts'
import type { Clock, Random } from '../clock.ts'
import type { AttackSign } from './risk.ts'

interface Guess {
  address: string
  /** The name that was given, whether there is such an account or not. */
  account: string
  password: string
}

/** Sees attacks that no single account or address shows. In memory: each node judges what it saw itself. */
export interface AttackWatch {
  failed(guess: Guess): void
  /** What this guess is likely part of, should it have been right. */
  signsOf(guess: Guess): AttackSign[]
  /** Wrong passwords from an address of late. */
  failuresOf(address: string): number
}

const span = 15 * 60_000
const mostGroups = 20_000
const mostMembers = 64

/** So many accounts guessed at with one password, by anybody … */
const manyAccountsOnePassword = 5
/** … or from one network, which an office behind one address does not reach by typing badly … */
const manyAccountsOneNetwork = 10
/** … or so many networks that guess at one account. */
const manyNetworks = 5

export function createAttackWatch({ clock, random }: { clock: Clock; random: Random }): AttackWatch {
  // The key never leaves the process: what is kept of a password tells nothing but that it came again.
  const key = random.bytes(32)
  const byPassword = createGroups(clock)
  const byNetwork = createGroups(clock)
  const byAccount = createGroups(clock)

  function namesOf({ address, account, password }: Guess) {
    const print = createHmac('sha256', key).update(password.slice(0, 1_024)).digest('base64').slice(0, 22)
    return { network: networkOf(address), name: account.trim().toLowerCase().slice(0, 320), print }
  }

  return {
    failed(guess) {
      const { network, name, print } = namesOf(guess)
      byPassword.add(print, name)
      byNetwork.add(network, name)
      byAccount.add(name, network)
    },
    signsOf(guess) {
      const { network, name, print } = namesOf(guess)
      const signs: AttackSign[] = []
      const sprayed = byPassword.size(print) >= manyAccountsOnePassword
      if (sprayed) signs.push('spraying')
      else if (byNetwork.size(network) >= manyAccountsOneNetwork) signs.push('stuffing')
      if (byAccount.size(name) >= manyNetworks) signs.push('many_addresses')
      return signs
    },
    failuresOf: (address) => byNetwork.additions(networkOf(address)),
  }
}

/** How many different members each of many groups had of late; the group seen first goes when too many are. */
function createGroups(clock: Pick<Clock, 'now'>) {
  const groups = new Map<string, { from: number; members: Set<string>; additions: number }>()
  const current = (name: string) => {
    const group = groups.get(name)
    const age = group ? clock.now() - group.from : span
    return group && age >= 0 && age < span ? group : null
  }
  return {
    add(name: string, member: string) {
      let group = current(name)
      if (!group) {
        groups.delete(name)
        if (groups.size >= mostGroups) groups.delete(groups.keys().next().value!)
        group = { from: clock.now(), members: new Set(), additions: 0 }
        groups.set(name, group)
      }
      group.additions++
      if (group.members.size < mostMembers) group.members.add(member)
    },
    size: (name: string) => current(name)?.members.size ?? 0,
    additions: (name: string) => current(name)?.additions ?? 0,
  }
}
