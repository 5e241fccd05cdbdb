import type { Command } from 'commander'
import { isGate, withGateLedger } from '../shim/gate-ledger.ts'
import { withSallyport } from './common.ts'
import { addLedgerCommands } from './ledger.ts'

/** The ledger of the server, or of a serial gate, whichever is named. */
export function addServerLedgerCommands(program: Command): void {
  addLedgerCommands(program, (options, work) =>
    isGate(options) ? withGateLedger(options, work) : withSallyport(options, work),
  )
}
