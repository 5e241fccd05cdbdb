import { describe } from 'vitest'
import { describeAtomicity } from './contract/atomicity.ts'
import type { Bench } from './contract/bench.ts'
import { describeBundles } from './contract/bundles.ts'
import { describeCredentials } from './contract/credentials.ts'
import { describeDevices } from './contract/devices.ts'
import { describeLedger } from './contract/ledger.ts'
import { describeMail } from './contract/mail.ts'
import { describePorts } from './contract/ports.ts'
import { describeRaces } from './contract/races.ts'
import { describeSealed } from './contract/sealed.ts'
import { describeSessions } from './contract/sessions.ts'
import { describeSignIns } from './contract/sign-ins.ts'
import { describeSpool } from './contract/spool.ts'
import { describeSubjects } from './contract/subjects.ts'
import { describeThreats } from './contract/threats.ts'
import { describeYubikeys } from './contract/yubikeys.ts'

/** The contract of `core/src/store.ts`, the same for every database. */
export function describeStoreContract(name: string, bench: Bench): void {
  describe(`${name} keeps the store's contract`, () => {
    describeSubjects(bench)
    describePorts(bench)
    describeCredentials(bench)
    describeDevices(bench)
    describeSessions(bench)
    describeSignIns(bench)
    describeMail(bench)
    describeThreats(bench)
    describeSealed(bench)
    describeYubikeys(bench)
    describeBundles(bench)
    describeRaces(bench)
    describeAtomicity(bench)
    describeLedger(bench)
    describeSpool(bench)
  })
}
