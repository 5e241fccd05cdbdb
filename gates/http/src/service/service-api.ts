import type { AddressGuard } from '../address-guard.ts'
import type { Binder } from '../bind.ts'
import type { GateServices } from '../services.ts'
import { registerEnrolment } from './enrolment.ts'
import { registerOverview } from './overview.ts'
import { registerPersonalData } from './personal-data.ts'
import { registerVerification } from './verification.ts'

/** `/api/mfa`: for applications that own their users. */
export function registerService(bind: Binder, services: GateServices, guard: AddressGuard): void {
  registerEnrolment(bind, services)
  registerVerification(bind, services, guard)
  registerOverview(bind, services)
  registerPersonalData(bind, services)
}
