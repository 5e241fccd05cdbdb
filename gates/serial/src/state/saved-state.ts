import { SallyportError, type Tx } from '@sallyport/core'
import { z } from 'zod'
import { afterRestart, initialState, type PortState, stateNames } from './port-state.ts'

const schema = z.strictObject({
  name: z.enum(stateNames),
  locks: z.array(z.string()),
  session: z.string().nullable(),
  technician: z.string().nullable(),
  reason: z.string().nullable(),
})

const settingOf = (port: string) => `shim.port.${port}`

export async function savePortState(tx: Tx, port: string, state: PortState): Promise<void> {
  await tx.settings.put(settingOf(port), JSON.stringify(state))
}

/** The port as a restart finds it. What cannot be read is no reason to open a door. */
export async function loadPortState(tx: Tx, port: string): Promise<PortState> {
  const text = await tx.settings.find(settingOf(port))
  if (text === null) return initialState
  try {
    return afterRestart(schema.parse(JSON.parse(text)))
  } catch (cause) {
    throw new SallyportError('store_damaged', `the stored state of port ${port} is damaged`, { cause })
  }
}
