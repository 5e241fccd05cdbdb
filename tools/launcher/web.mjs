import { createHash } from 'node:crypto'
import { existsSync, readdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { root } from './install.mjs'
import { withLock } from './lock.mjs'
import { environmentOf } from './npm.mjs'
import { Problem, say, writeProblem } from './problem.mjs'
import { run } from './run.mjs'

const web = join(root, 'web')
const built = join(web, 'dist')
const stamp = join(built, '.sources')
const sources = [
  join(web, 'src'),
  join(web, 'index.html'),
  join(web, 'vite.config.ts'),
  join(web, 'package.json'),
]
sources.push(join(root, 'sdk', 'src'), join(root, 'package-lock.json'))

/**
 * Builds the pages where they are absent or not of these sources, once, however many processes ask for it
 * at a time. What was built is served until its successor is whole.
 */
export async function buildWeb(node) {
  if (!existsSync(web) || isBuilt()) return
  await withLock(join(root, '.cache', 'web.lock'), async (addOwner) => {
    if (isBuilt()) return
    const begun = Date.now()
    say('building the pages …')
    const seen = seenSources()
    const fresh = join(web, 'dist.new')
    await vite({
      node,
      args: ['build', '--logLevel', 'warn', '--emptyOutDir', '--outDir', fresh],
      started: addOwner,
    })
    try {
      writeFileSync(join(fresh, '.sources'), seen)
      rmSync(built, { recursive: true, force: true })
      renameSync(fresh, built)
    } catch (error) {
      throw writeProblem(error.code, web) ?? error
    }
    say(`  done in ${Math.round((Date.now() - begun) / 1000)} s`)
  })
}

async function vite({ node, args, started }) {
  const options = {
    cwd: web,
    env: { ...environmentOf(node), NODE_ENV: 'production' },
    stdio: ['ignore', 'pipe', 'pipe'],
  }
  let output = ''
  const { code } = await run(
    node,
    [join(root, 'node_modules/vite/bin/vite.js'), ...args],
    options,
    (child) => {
      for (const stream of [child.stdout, child.stderr]) stream.on('data', (text) => (output += text))
      started(child.pid)
    },
  )
  if (code !== 0) {
    throw new Problem(
      `the pages could not be built, and vite said:\n${output.trim()}\nsallyport: mend what vite names above and run the same command again.`,
    )
  }
}

function isBuilt() {
  try {
    return readFileSync(stamp, 'utf8') === seenSources()
  } catch {
    return false
  }
}

/** The sources by name, size and time, which is quicker than reading them. */
function seenSources() {
  const hash = createHash('sha256')
  for (const path of sources) {
    const inside = statSync(path).isDirectory() ? readdirSync(path, { recursive: true }).sort() : ['']
    for (const name of inside) {
      const { size, mtimeMs } = statSync(join(path, name))
      hash.update(`${name} ${size} ${mtimeMs}\n`)
    }
  }
  return hash.digest('hex')
}
