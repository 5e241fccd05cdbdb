import { spawnSync } from 'node:child_process'
import { accessSync, constants, existsSync } from 'node:fs'
import { delimiter, isAbsolute, join } from 'node:path'

interface SystemTool {
  /** Found on the PATH, or as a file where it is no command. */
  command: string
  package: string
  for: string
}

/** Programs outside npm that the tests call: other people's implementations to be measured against. */
const systemTools: readonly SystemTool[] = [
  { command: 'oathtool', package: 'oathtool', for: 'another implementation of TOTP to agree with' },
  { command: 'zbarimg', package: 'zbar-tools', for: 'a QR reader that knows nothing of ours' },
  { command: 'curl', package: 'curl', for: 'the commands of the guides' },
  { command: 'jq', package: 'jq', for: 'the commands of the guides' },
  { command: 'python3', package: 'python3', for: 'the client in Python' },
  { command: 'ps', package: 'procps', for: 'finding the processes of the test database' },
  { command: 'chromium', package: 'chromium', for: 'a real browser on the pages' },
  { command: 'cc', package: 'gcc', for: 'the load of the serial benchmarks' },
  { command: '/usr/include/stdio.h', package: 'libc6-dev', for: 'the same' },
  { command: 'socat', package: 'socat', for: 'serial lines without hardware' },
  { command: 'picocom', package: 'picocom', for: 'a terminal at the serial gate' },
  { command: 'screen', package: 'screen', for: 'another terminal at the serial gate' },
  { command: 'tmux', package: 'tmux', for: 'typing at those terminals, and seeing what they show' },
  { command: 'strace', package: 'strace', for: 'writes and syncs that fail when asked to' },
  { command: 'faketime', package: 'faketime', for: 'clocks that are set back and forth' },
  { command: 'ser2net', package: 'ser2net', for: 'a terminal server before the device' },
  { command: 'ss', package: 'iproute2', for: 'who listens on a network' },
  { command: 'systemd-analyze', package: 'systemd', for: "checking the serial gate's unit" },
  { command: 'pamtester', package: 'pamtester', for: 'signing in through PAM' },
  { command: 'openssl', package: 'openssl', for: 'certificates of the tests' },
  { command: 'rsyslogd', package: 'rsyslog', for: 'a real receiver of syslog' },
  {
    command: '/usr/share/doc/rsyslog-gnutls',
    package: 'rsyslog-gnutls',
    for: 'the same over TLS',
  },
  {
    command: '/usr/share/modsecurity-crs',
    package: 'modsecurity-crs',
    for: 'requests to measure the detector of attacks with',
  },
  {
    command: '/lib/security/pam_yubico.so',
    package: 'libpam-yubico',
    for: 'a client of the YubiKey validation protocol',
  },
  {
    command: '/usr/lib/python3/dist-packages/yubiotp',
    package: 'python3-yubiotp',
    for: 'another implementation of YubiKey OTP to agree with',
  },
]

/** Installs what is missing, where that can be done; answers the sentence that says why it cannot. */
export function installSystemTools(): string | null {
  const missing = systemTools.filter((tool) => !isOnPath(tool.command))
  if (missing.length === 0) return null
  const packages = missing.map((tool) => tool.package)
  const wanted = missing.map((tool) => `${tool.command} (${tool.for})`).join(', ')
  const byHand = `The tests need ${wanted}: install it with \`apt-get install ${packages.join(' ')}\` or your system's own packages.`
  if (process.getuid?.() !== 0 || !isOnPath('apt-get')) return byHand
  console.log(`installing ${packages.join(', ')} with apt-get …`)
  const failed = aptGet(['update']) ?? aptGet(['install', '--yes', '--no-install-recommends', ...packages])
  return failed === null ? null : `${failed}\n${byHand}`
}

function isOnPath(command: string): boolean {
  if (isAbsolute(command)) return existsSync(command)
  return (process.env.PATH ?? '').split(delimiter).some((folder) => {
    try {
      accessSync(join(folder, command), constants.X_OK)
      return true
    } catch {
      return false
    }
  })
}

function aptGet(args: string[]): string | null {
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' }
  const result = spawnSync('apt-get', ['--quiet', ...args], { env, encoding: 'utf8' })
  if (result.status === 0) return null
  return `apt-get ${args[0]} failed: ${(result.stderr || result.error?.message || '').trim()}`
}
