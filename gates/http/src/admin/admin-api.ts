import type { Binder } from '../bind.ts'
import type { LoginContext } from '../login/login-context.ts'
import { registerControl } from './control-calls.ts'
import { registerDirectory } from './directory-calls.ts'
import { registerLockStream } from './lock-stream.ts'
import { registerOverview } from './overview-calls.ts'
import { registerPeople } from './people-calls.ts'
import { registerRecovery } from './recovery-calls.ts'

/** `/api/admin`: for people with the role admin. What it answers ends the streams, before a stop. */
export function registerAdmin(bind: Binder, login: LoginContext): () => void {
  registerPeople(bind, login)
  registerRecovery(bind, login)
  registerDirectory(bind, login)
  registerControl(bind, login)
  registerOverview(bind, login)
  return registerLockStream(bind, login)
}
