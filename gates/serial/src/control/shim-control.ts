import { type Fault, faultsOf, SallyportError, text } from '@sallyport/core'
import { z } from 'zod'
import type { Shim } from '../shim.ts'
import type { ControlHandler } from './control-socket.ts'

const port = z.string().max(64).optional()
const reason = z.preprocess((written) => (typeof written === 'string' ? written.trim() : written), text(500))

const shapes = {
  status: z.strictObject({}),
  unlock: z.strictObject({ port, technician: z.string().max(128).optional() }),
  reset: z.strictObject({ port, reason }),
  close: z.strictObject({ port, reason }),
  'clock accept': z.strictObject({ reason }),
}

/** Kept in the ledger and shown on terminals: one line, and nothing that a terminal obeys. */
export function checkReason(written: string): string {
  const { success, data, error } = reason.safeParse(written)
  if (success) return data
  throw new SallyportError('invalid_input', `--reason: ${faultsOf(error)[0]!.message}`)
}

/** What can be asked of the running daemon, each with its own shape. */
export function shimControl(shim: Shim): ControlHandler {
  const read = <T>(shape: z.ZodType<T>, args: unknown): T => {
    const { success, data, error } = shape.safeParse(args, { reportInput: true })
    if (success) return data as T
    const [{ path, message }] = faultsOf(error) as [Fault]
    throw new SallyportError('invalid_input', `--${path}: ${message}`)
  }
  return async (command, args) => {
    switch (command) {
      case 'status':
        return shim.status()
      case 'unlock':
        return shim.unlock(read(shapes.unlock, args))
      case 'reset':
        return shim.reset(read(shapes.reset, args))
      case 'close':
        return shim.close(read(shapes.close, args))
      case 'clock accept':
        return shim.acceptClock(read(shapes['clock accept'], args))
      default:
        throw new SallyportError('invalid_input', `there is no command "${command.slice(0, 64)}"`)
    }
  }
}
