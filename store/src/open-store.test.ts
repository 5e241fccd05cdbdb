import { execFile } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { expect, it } from 'vitest'

it('loads the PostgreSQL driver for a PostgreSQL database only', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'sallyport-open-'))
  const script = `
    import { createRequire } from 'node:module'
    import { openStore } from ${JSON.stringify(new URL('./index.ts', import.meta.url).href)}
    const clock = { now: () => 1 }
    const { cache } = createRequire(import.meta.url)
    const isLoaded = () => Object.keys(cache).some((file) => /[\\\\/]node_modules[\\\\/]pg[\\\\/]/.test(file))
    const store = await openStore({ location: ${JSON.stringify(join(directory, 'a.db'))}, clock })
    await store.check()
    await store.close()
    const before = isLoaded()
    const refused = await openStore({ location: 'postgres://u@127.0.0.1:1/x', clock }).catch(({ code }) => code)
    console.log(JSON.stringify([before, refused, isLoaded()]))`
  const run = promisify(execFile)(process.execPath, ['--input-type=module', '--eval', script])
  const { stdout } = await run.finally(() => rm(directory, { recursive: true }))
  expect(JSON.parse(stdout)).toEqual([false, 'store_unavailable', true])
})
