import { randomId, SallyportError, systemClock, systemRandom } from '@sallyport/core'
import type { Command } from 'commander'
import { print, style } from '../output.ts'
import { siemOf } from '../siem.ts'
import { addGroup, type CommonOptions, configOf, installationCommand } from './common.ts'

const patience = 10_000

export function addSiemCommands(program: Command): void {
  const test = installationCommand('test', 'send one event to the SIEM and say what became of it')
    .addHelpText(
      'after',
      '\nExit code 1 when it was not confirmed.\n\nExample:\n  $ sallyport siem test --config sallyport.yaml\n',
    )
    .action((options: CommonOptions) => testCommand(options))
  addGroup(program, { name: 'siem', description: 'what is sent to the SIEM', commands: [test] })
}

async function testCommand(options: CommonOptions): Promise<void> {
  const siem = siemOf(configOf(options))
  if (siem === null) {
    throw new SallyportError(
      'not_found',
      'no SIEM is configured: name one in siem, as sallyport.example.yaml shows',
    )
  }
  const id = `test:${randomId(systemRandom)}`
  const line = siem.format({
    ...{ id, at: systemClock.now(), type: 'siem.test', severity: 'info', address: null, subject: null },
    details: { note: 'somebody ran `sallyport siem test`' },
  })
  await siem.transport.deliver([line], AbortSignal.timeout(patience))
  print({
    json: options.json ?? false,
    data: { confirmed: true, siem: siem.described, id, line },
    text: () => `${style.green('confirmed')} by ${siem.described}; look there for ${id}`,
  })
}
