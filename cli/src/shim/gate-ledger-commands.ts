import type { Command } from 'commander'
import { addLedgerCommands } from '../commands/ledger.ts'
import { withGateLedger } from './gate-ledger.ts'

/** On the gate's own board there is no other ledger. */
export function addGateLedgerCommands(program: Command): void {
  addLedgerCommands(program, withGateLedger)
}
