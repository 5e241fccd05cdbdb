import { spawnSync } from 'node:child_process'
import { globSync, readFileSync } from 'node:fs'

/** A lockfile names packages by version and hash; an address in it would bind everyone to one registry. */
export function registryHostsIn(lockfile: string): string[] {
  return [...lockfile.matchAll(/"resolved": "(\w+:\/\/[^"]+)"/g)].map((match) => match[1]!)
}

if (import.meta.main) {
  const tracked = spawnSync('git', ['ls-files', '-co', '--exclude-standard', '--', '*package-lock.json'], {
    encoding: 'utf8',
  })
  const lockfiles =
    tracked.status === 0
      ? tracked.stdout.trim().split('\n')
      : globSync('**/package-lock.json', { exclude: ['**/node_modules'] })
  if (lockfiles.length === 0) throw new Error('no lockfile found: this check sees nothing')
  for (const lockfile of lockfiles) {
    const hosts = registryHostsIn(readFileSync(lockfile, 'utf8'))
    if (hosts.length === 0) continue
    console.error(`${lockfile} names registry addresses, such as ${hosts[0]}`)
    process.exitCode = 1
  }
}
