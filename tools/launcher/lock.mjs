import { mkdirSync, readFileSync, readlinkSync, renameSync, rmSync, symlinkSync, unlinkSync } from 'node:fs'
import { dirname } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { say, writeProblem } from './problem.mjs'

/**
 * Runs `work` while no other process holds the lock at `path`. The lock is a symbolic link whose target
 * names its owners, because a link is made together with its content in one step. `work` is given a
 * function that adds an owner: a child that would go on writing if this process were killed.
 */
export async function withLock(path, work) {
  const release = await acquire(path)
  try {
    return await work((pid) => replace(path, `${readlinkSync(path)},${identity(pid)}`))
  } finally {
    release()
  }
}

async function acquire(path) {
  makeFolder(dirname(path))
  const me = identity(process.pid)
  let told = false
  for (;;) {
    if (tryLink(path, me)) break
    const owner = ownerOf(path)
    if (owner === null) continue
    if (!owner.split(',').some(isAlive)) {
      // The owner died. Several may see that at once: the last to write wins, the others see it.
      replace(path, me)
      await sleep(300)
      if (ownerOf(path) === me) break
      continue
    }
    if (!told) say(`waiting for another such run to finish (process ${owner.split(':')[0]}) …`)
    told = true
    await sleep(200)
  }
  return () => {
    if (ownerOf(path)?.split(',')[0] === me) unlinkSync(path)
  }
}

function tryLink(path, owner) {
  try {
    symlinkSync(owner, path)
    return true
  } catch (error) {
    if (error.code === 'EEXIST') return false
    throw writeProblem(error.code, dirname(path)) ?? error
  }
}

function makeFolder(folder) {
  try {
    mkdirSync(folder, { recursive: true })
  } catch (error) {
    throw writeProblem(error.code, folder) ?? error
  }
}

function replace(path, owner) {
  const fresh = `${path}.${process.pid}`
  rmSync(fresh, { force: true })
  symlinkSync(owner, fresh)
  renameSync(fresh, path)
}

function ownerOf(path) {
  try {
    return readlinkSync(path)
  } catch (error) {
    if (error.code === 'ENOENT') return null
    throw error
  }
}

/** A process by number and time of birth, since numbers are used again. */
function identity(pid) {
  return `${pid}:${birth(pid) ?? 0}`
}

function isAlive(owner) {
  const [pid, born] = owner.split(':')
  try {
    process.kill(Number(pid), 0)
  } catch (error) {
    return error.code === 'EPERM'
  }
  const now = birth(pid)
  return now === null || now === born
}

/** When a process began, in the kernel's ticks; `null` where there is no /proc, `dead` for a zombie. */
function birth(pid) {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
    return fields[0] === 'Z' ? 'dead' : fields[19]
  } catch {
    return null
  }
}
