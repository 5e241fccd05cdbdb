import type { Config } from './config.ts'
import { type Foundation, openFoundation } from './foundation.ts'
import { createServices, type Services } from './services.ts'

/** Everything that was wired, as the commands and the gates use it. */
export type Sallyport = Foundation & Services & { close(): Promise<void> }

interface Log {
  warn(facts: object, message: string): void
}

const quiet: Log = { warn: () => {} }

/** The composition root: the one place where the core meets its store, its keys and the world. */
export async function openSallyport(config: Config, log: Log = quiet): Promise<Sallyport> {
  const foundation = await openFoundation(config)
  try {
    return { ...foundation, ...createServices(foundation, log) }
  } catch (error) {
    await foundation.close()
    throw error
  }
}
