import { networkOf } from '../address.ts'
import type { Clock } from '../clock.ts'
import { nameBrowser } from '../session/browser.ts'
import type { Tx } from '../store.ts'
import type { AttackWatch } from './attack-watch.ts'
import { type AttackSign, assessRisk, type Place, type Risk, type SignInFacts } from './risk.ts'

/** A sign-in as it is kept: from the right password on, completed or not. */
export interface KeptSignIn extends SignInFacts, Risk {
  /** That of the attempt, or of the session where there was none to make. */
  id: string
  subjectId: string
  completedAt: number | null
}

export interface SignInPort {
  insert(signIn: KeptSignIn): Promise<void>
  /** False when it is not there, or complete already. */
  complete(id: string, at: number): Promise<boolean>
  /** Newest first. */
  listBySubject(subjectId: string, limit: number, filter?: { completed: boolean }): Promise<KeptSignIn[]>
  /** Drops all but the newest: so many that were completed, and so many that were not. */
  trim(subjectId: string, keep: { completed: number; begun: number }): Promise<void>
}

/** Where an address is; `null` where that is not known. */
export type Locate = (address: string) => Place | null

/** Whoever knows the password can begin any number of sign-ins, and must not push those out that make the habit. */
const keep = { completed: 50, begun: 20 }

export interface SignInRisk {
  watch: AttackWatch
  assess(
    tx: Tx,
    signIn: {
      subjectId: string
      address: string
      userAgent: string | null
      deviceTrusted: boolean
      attacks: readonly AttackSign[]
    },
  ): Promise<AssessedSignIn>
  keep(tx: Tx, signIn: AssessedSignIn & { id: string; subjectId: string; complete: boolean }): Promise<void>
  completed(tx: Tx, id: string): Promise<void>
}

export type AssessedSignIn = SignInFacts & Risk

/** What a sign-in is compared with, and what is kept of it. */
export function createSignInRisk(options: { clock: Clock; watch: AttackWatch; locate?: Locate }): SignInRisk {
  const { clock, watch, locate = () => null } = options
  return {
    watch,
    async assess(tx, { subjectId, address, userAgent, deviceTrusted, attacks }) {
      const place = locate(address)
      const facts = { at: clock.now(), network: networkOf(address), place, device: nameBrowser(userAgent) }
      const history = await tx.signIns.listBySubject(subjectId, keep.completed, { completed: true })
      const failuresAtAddress = watch.failuresOf(address)
      return {
        ...facts,
        ...assessRisk({ signIn: facts, deviceTrusted, history, failuresAtAddress, attacks }),
      }
    },
    async keep(tx, { complete, ...signIn }) {
      await tx.signIns.insert({ ...signIn, completedAt: complete ? signIn.at : null })
      await tx.signIns.trim(signIn.subjectId, keep)
    },
    completed: async (tx, id) => void (await tx.signIns.complete(id, clock.now())),
  }
}
