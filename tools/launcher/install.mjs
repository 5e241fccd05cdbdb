import { createHash } from 'node:crypto'
import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { withLock } from './lock.mjs'
import { npmCi } from './npm.mjs'
import { say, writeProblem } from './problem.mjs'

export const root = fileURLToPath(new URL('../../', import.meta.url))

/** Whether the packages of `folder` are those of its lockfile, completely installed for that platform. */
export function isInstalled(folder, platform) {
  try {
    return readFileSync(stampOf(folder), 'utf8') === wanted(folder, platform)
  } catch {
    return false
  }
}

/**
 * Installs the packages of `folder`, once, however many processes ask for it at a time. The stamp is
 * written last: an installation that was killed half-way has none and is begun again.
 */
export async function install({ folder, platform, node, what, afterwards }) {
  if (isInstalled(folder, platform)) return
  await withLock(join(root, '.cache', 'install.lock'), async (addOwner) => {
    if (isInstalled(folder, platform)) return
    say(what)
    await npmCi({ folder, node, started: addOwner })
    afterwards?.()
    writeStamp(folder, wanted(folder, platform))
  })
}

function writeStamp(folder, text) {
  const stamp = stampOf(folder)
  try {
    mkdirSync(dirname(stamp), { recursive: true })
    writeFileSync(`${stamp}.new`, text)
    renameSync(`${stamp}.new`, stamp)
  } catch (error) {
    throw writeProblem(error.code, folder) ?? error
  }
}

function stampOf(folder) {
  return join(folder, 'node_modules', '.sallyport')
}

function wanted(folder, platform) {
  const lockfile = readFileSync(join(folder, 'package-lock.json'))
  return `${createHash('sha256').update(lockfile).digest('hex')} ${platform}\n`
}
