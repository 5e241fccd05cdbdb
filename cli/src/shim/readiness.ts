import { existsSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { type Fault, SallyportError, settingsRefused } from '@sallyport/core'
import { type ShimConfig, whoCannotPass } from '@sallyport/gate-serial'
import { readSqliteStore } from '@sallyport/store'
import { readAuditorKey } from './open-shim.ts'
import { stateDirectory } from './read-config.ts'

/** Refuses a configuration that is right in itself, but that no gate can start with: every reason at once. */
export async function checkReadiness(config: ShimConfig): Promise<void> {
  const faults: Fault[] = []
  const attempt = (work: () => unknown) => {
    try {
      work()
    } catch (error) {
      if (!(error instanceof SallyportError)) throw error
      const [, path = '', message = error.message] = /^([\w.[\]]+): (.*)$/s.exec(error.message) ?? []
      faults.push(...(error.faults.length > 0 ? error.faults : [{ path, message }]))
    }
  }
  for (const [index, key] of config.storage.auditor_keys.entries()) attempt(() => readAuditorKey(key, index))
  if (config.siem) {
    const { siemOf } = await import('../siem.ts')
    attempt(() => siemOf(config))
    const { transport, address } = config.siem
    if (transport === 'file' && !existsSync(dirname(address)))
      faults.push({ path: 'siem.address', message: `there is no directory ${dirname(address)}` })
  }
  faults.push(...(await keyFaults(config)), ...policyFaults(config))
  if (faults.length > 0) throw settingsRefused(faults, 'the configuration')
}

/** A key file that is not there is made at the first start, where there is a directory for it. */
async function keyFaults(config: ShimConfig): Promise<Fault[]> {
  const file = config.vault === 'off' ? undefined : config.vault.key_file
  if (file === undefined || existsSync(file)) return []
  const refuse = (message: string) => [{ path: 'vault.key_file', message }]
  if (await hasVault(config))
    return refuse(`${file} is not there, and what was sealed opens with nothing else`)
  return existsSync(dirname(file)) ? [] : refuse(`there is no directory ${dirname(file)} to make it in`)
}

async function hasVault(config: ShimConfig): Promise<boolean> {
  const path = join(stateDirectory(config), 'shim.db')
  if (!existsSync(path)) return false
  const store = await readSqliteStore({ path })
  try {
    return (await store.read((tx) => tx.vaultKeys.list())).length > 0
  } finally {
    await store.close()
  }
}

/** Technicians without any factor are yet to be enrolled; those of a bundle are known once it is open. */
function policyFaults(config: ShimConfig): Fault[] {
  const enrolled = config.technicians.filter(({ factors }) => factors.length > 0)
  const unable = whoCannotPass(config)
  if (config.directory !== null || enrolled.length === 0 || unable.length < enrolled.length) return []
  const message = `asks for factors that no technician has: nobody could pass (${unable.join(', ')})`
  return [{ path: 'policy', message }]
}
