import { spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { install, isInstalled, root } from './install.mjs'
import { Problem } from './problem.mjs'

const floor = 24
export const platform = `${process.platform}-${process.arch}`
const folder = join(root, 'tools', 'runtime', platform)
const brought = join(folder, 'node_modules', `node-${platform}`, 'bin', 'node')

/** The Node to run everything with: this one if it is new enough, else the one brought along, else `null`. */
export function findNode() {
  if (Number(process.versions.node.split('.')[0]) >= floor) return process.execPath
  return isInstalled(folder, platform) && existsSync(brought) ? brought : null
}

/** Like `findNode`, but brings Node from the npm registry where there is none. */
export async function bringNode() {
  const found = findNode()
  if (found) return found
  const own = `this machine's Node is ${process.versions.node}, and Sallyport needs ${floor} or newer`
  const byHand = `install Node ${floor} yourself and run the same command again.`
  if (!existsSync(folder)) throw new Problem(`${own}; none can be brought along for ${platform}: ${byHand}`)
  // Alpine and its like: the binaries in the registry are linked against glibc.
  if (!process.report.getReport().header.glibcVersionRuntime) {
    throw new Problem(`${own}; the one in the npm registry needs glibc, which is not here: ${byHand}`)
  }
  await install({
    folder,
    platform,
    node: process.execPath,
    what: `${own}: bringing one from the npm registry into tools/runtime (about 60 MB) …`,
    afterwards() {
      const { status, stderr, error } = spawnSync(brought, ['--version'], { encoding: 'utf8' })
      if (status === 0) return
      const reason = (stderr?.trim() || error?.message || `exit code ${status}`).split('\n')[0]
      throw new Problem(`the Node brought along does not run on this machine (${reason}): ${byHand}`)
    },
  })
  return brought
}
