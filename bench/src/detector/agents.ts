import { readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

/** Agents of real browsers, weighed by how often they are seen, from the package `user-agents`. */
export function browserAgents(): string[] {
  const entries = JSON.parse(
    readFileSync(
      join(dirname(fileURLToPath(import.meta.resolve('user-agents'))), 'user-agents.json'),
      'utf8',
    ),
  ) as {
    userAgent: string
  }[]
  return [...new Set(entries.map(({ userAgent }) => userAgent))]
}

/** Tools that search other people's machines for weaknesses, by their names in that list. */
const scanner =
  /acunetix|zmeu|dirbuster|openvas|zgrab|nuclei|nikto|sqlmap|nmap|wpscan|zmap|masscan|censys|shodan|expanse|internet-?measurement|leakix|l9(?:explore|tcpid|scan)|onyphe|binaryedge|detectify|whatweb|netsystemsresearch|stretchoid|qualys|nessus|criminalip|gdnplus|getodin|odin;|projectdiscovery|modatscanner|visionheight|air\.ai|cypex|giftedvisitor|wanscanner|researchscan|dnsscanner/i

/** Agents of crawlers from the package `crawler-user-agents`: search engines, monitors, previews, and scanners. */
export function crawlerAgents(): { agent: string; isScanner: boolean }[] {
  const entries = JSON.parse(
    readFileSync(
      join(dirname(fileURLToPath(import.meta.resolve('crawler-user-agents'))), 'crawler-user-agents.json'),
      'utf8',
    ),
  ) as {
    instances?: string[]
  }[]
  return entries.flatMap(({ instances = [] }) =>
    instances.map((agent) => ({ agent, isScanner: scanner.test(agent) })),
  )
}
