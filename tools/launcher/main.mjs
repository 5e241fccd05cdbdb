import { join } from 'node:path'
import { install, root } from './install.mjs'
import { environmentOf } from './npm.mjs'
import { explaining } from './problem.mjs'
import { run } from './run.mjs'
import { bringNode, platform } from './runtime.mjs'
import { buildWeb } from './web.mjs'

/** `node tools/launch.mjs FILE [ARGUMENTS]`: runs a program of this repository, whatever it takes. */
export function main([file, ...args]) {
  return explaining(async () => {
    const node = await bringNode()
    await install({
      folder: root,
      platform,
      node,
      what: 'installing the packages that package-lock.json names …',
    })
    if (args[0] === 'serve') await buildWeb(node)
    return await runProgram(node, file, args)
  })
}

/** Runs one of the repository's programs under `node`; answers its exit code. */
export async function runProgram(node, file, args) {
  // node:sqlite still warns that it is experimental on the earlier releases of Node 24.
  // A smaller nursery: it fills and empties more often, and the process stays a third smaller.
  const flags = ['--disable-warning=ExperimentalWarning', '--max-semi-space-size=8']
  const program = [...flags, join(root, file), ...args]
  // What Node makes of the sources at the first start is kept for the next: half the time and the memory.
  const cache = { NODE_COMPILE_CACHE: join(root, 'node_modules', '.cache', 'compile') }
  // The blocks that password hashes need go back to the system when they are done; glibc keeps them otherwise.
  const memory = { MALLOC_MMAP_THRESHOLD_: String(1024 * 1024) }
  const env = { ...cache, ...memory, ...environmentOf(node) }
  const { code } = await run(node, program, { env, stdio: 'inherit' })
  return code
}
