import { delimiter, dirname } from 'node:path'
import { Problem, say, writeProblem } from './problem.mjs'
import { run } from './run.mjs'

/** The environment in which `node`, and whatever is started by that name, is the one at this path. */
export function environmentOf(node) {
  return { ...process.env, PATH: `${dirname(node)}${delimiter}${process.env.PATH ?? ''}` }
}

// No package's install script runs: nothing here needs one, and a download that runs code is a risk.
// The long waits of npm's retries are cut, so that a machine without a network is told so in seconds.
const flags = [
  '--engine-strict',
  '--ignore-scripts',
  '--include=dev',
  '--include=optional',
  '--no-audit',
  '--no-fund',
  '--no-progress',
  '--loglevel=warn',
  '--fetch-retry-mintimeout=1000',
  '--fetch-retry-maxtimeout=4000',
]

/** `npm ci` in `folder`, under the Node given. Silent but for a sign of life, unless it fails. */
export async function npmCi({ folder, node, started }) {
  const cli = process.env.npm_execpath?.endsWith('npm-cli.js') ? process.env.npm_execpath : null
  const [command, args] = cli ? [node, [cli, 'ci', ...flags]] : ['npm', ['ci', ...flags]]
  const options = { cwd: folder, env: environmentOf(node), stdio: ['ignore', 'pipe', 'pipe'] }
  let output = ''
  const begun = Date.now()
  const seconds = () => Math.round((Date.now() - begun) / 1000)
  const life = setInterval(() => say(`  … still at it after ${seconds()} s`), 10_000)
  try {
    const { code, interrupted } = await run(command, args, options, (child) => {
      for (const stream of [child.stdout, child.stderr]) stream.on('data', (text) => (output += text))
      started(child.pid)
    })
    if (interrupted) throw new Problem('the installation was interrupted: run the same command again.')
    // A file that could not be unpacked is only a warning to npm, which then calls it a success.
    if (code !== 0 || output.includes('TAR_ENTRY_ERROR')) throw explain(output, folder)
  } catch (error) {
    if (error.code !== 'ENOENT') throw error
    throw new Problem(
      'npm is not on the PATH: install it (it comes with Node) and run the same command again.',
    )
  } finally {
    clearInterval(life)
  }
  say(`  done in ${seconds()} s`)
}

const network =
  /\b(ENOTFOUND|EAI_AGAIN|ECONNREFUSED|ECONNRESET|ETIMEDOUT|ENETUNREACH|EHOSTUNREACH|ERR_SOCKET_TIMEOUT|EIDLETIMEOUT|ENOTCACHED|FETCH_ERROR|E5\d\d|\w*CERT\w*)\b/

function explain(output, folder) {
  const errors = output.replace(/^npm (error|ERR!|warn|WARN) ?/gm, '')
  const code = /^(?:code|.*TAR_ENTRY_ERROR) (\w+)/m.exec(errors)?.[1] ?? ''
  const write = writeProblem(code, /^path (.+)$/m.exec(errors)?.[1] ?? `${folder} or npm's cache`)
  if (write) return write
  const seen = network.exec(errors)?.[0]
  if (seen) {
    return new Problem(
      `the npm registry cannot be reached (${seen}): connect this machine to the network, or set the proxy or registry that npm should use (npm config set proxy …, npm config set registry …), and run the same command again.`,
    )
  }
  if (code === 'EINTEGRITY') {
    return new Problem(
      'a downloaded package is not the one that the lockfile names (EINTEGRITY): run `npm cache clean --force` and the same command again; if it says so once more, somebody is altering packages on the way.',
    )
  }
  return new Problem(
    `npm could not install the packages in ${folder}, and said:\n${errors.trim()}\nsallyport: mend what npm names above and run the same command again.`,
  )
}
