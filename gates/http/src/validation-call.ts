import { yubikeyRoutes } from '@sallyport/protocol'
import type { Binder } from './bind.ts'
import type { GateServices } from './services.ts'

/** The self-hosted YubiKey validator, for programs that speak Yubico's protocol. */
export function registerValidation(bind: Binder, { validationServer }: GateServices): void {
  bind(yubikeyRoutes.validate, async ({ context }) => {
    const answer = await validationServer.answer(context.req.query())
    return context.text(answer, 200, { 'cache-control': 'no-store' })
  })
}
