import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { createTlsSyslog } from '@sallyport/adapters'
import { createShipper, siemFormats, spoolEvents } from '@sallyport/core'
import { openHarness } from './harness.ts'

/**
 * A node that records and ships: `node shipping.fixture.ts <database> <certificates> <port> <now> <records>`.
 * It says `ready` once its records are stored, and ends when all there is was confirmed.
 */
const [location, directory, port, now, records] = process.argv.slice(2) as [
  string,
  string,
  string,
  string,
  string,
]
const pem = (name: string) => readFileSync(join(directory, name), 'utf8')
const harness = await openHarness({ location, now: Number(now) })
const { store, clock } = harness
for (let first = 0; first < Number(records); first += 10) {
  await store.transaction(async (tx) => {
    for (let index = first; index < first + 10; index++) {
      tx.ledger.append({ type: index === first ? 'subject.locked' : 'session.opened', at: clock.now() })
      const severity = index % 2 === 0 ? 'high' : 'low'
      const about = { at: clock.now(), type: 'failed_auth', severity, address: null, subject: null } as const
      await spoolEvents(tx, [{ id: `threat ${now} ${index}`, ...about, details: {} }], { mostEvents: 10_000 })
    }
  })
}
const transport = createTlsSyslog({
  ...{ host: 'localhost', port: Number(port) },
  tls: { ca: pem('ca.pem'), cert: pem('client.pem'), key: pem('client.key') },
})
// Small batches, so that there is a midst to be killed in.
const small = { ...transport, limits: { events: 10, bytes: 60_000 } }
const log = { info: () => {}, warn: (facts: object) => console.error(facts) }
const source = { host: 'here', version: '1.2.3' }
const format = (event: Parameters<typeof siemFormats.rfc5424>[0]) => siemFormats.rfc5424(event, source)
console.log('ready')
await createShipper({ store, clock, holder: String(process.pid), transport: small, format, log }).kick()
await harness.close()
