import type { Store } from '@sallyport/core'
import { describe } from 'vitest'
import { describeAtomicity } from './contract/atomicity.ts'
import { describeLedger } from './contract/ledger.ts'
import { describeMail } from './contract/mail.ts'
import { describePorts } from './contract/ports.ts'
import { describeRaces } from './contract/races.ts'
import { describeSealed } from './contract/sealed.ts'
import { describeSessions } from './contract/sessions.ts'
import { describeSubjects } from './contract/subjects.ts'

/** What a database offers its contract tests; what it opened it closes itself. */
export interface Bench {
  /** A store on a database that nobody used before. */
  fresh(): Promise<Store>
  /** Two stores on one such database: two nodes. */
  pair(): Promise<[Store, Store]>
}

/** The contract of `core/src/store.ts`, the same for every database. */
export function describeStoreContract(name: string, bench: Bench): void {
  describe(`${name} keeps the store's contract`, () => {
    describeSubjects(bench)
    describePorts(bench)
    describeSessions(bench)
    describeMail(bench)
    describeSealed(bench)
    describeRaces(bench)
    describeAtomicity(bench)
    describeLedger(bench)
  })
}
