import { openStore } from '../open-store.ts'

/**
 * Another process on the same database: `node node.fixture.ts race|stream <location>`.
 * `race` spends the same 64 keys as everybody else and prints how many it got;
 * `stream` spends one key after the other and prints each once it was told that it is spent.
 */
const [task, location] = process.argv.slice(2)
const store = await openStore({ location: location!, clock: { now: () => 1_700_000_000_000 } })
if (task === 'race') {
  const keys = Array.from({ length: 64 }, (_, index) => `race:${index}`)
  const won = await Promise.all(keys.map((key) => store.transaction(({ once }) => once.spend(key))))
  console.log(won.filter(Boolean).length)
  await store.close()
}
for (let index = 0; task === 'stream'; index++) {
  await store.transaction(({ once }) => once.spend(`stream:${index}`))
  console.log(index)
}
