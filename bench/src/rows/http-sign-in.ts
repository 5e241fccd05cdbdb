import type { Contender, Row } from '../harness.ts'
import { startBetterAuth } from '../http/better-auth.fixture.ts'
import { pinLoad, type ServerProcess } from '../http/process.ts'
import { startSallyport } from '../http/sallyport.fixture.ts'
import { traffic } from '../http/traffic.ts'

const connections = 8
/** A hash takes tens of milliseconds: a run of the usual length would see a handful. */
const longer = 5

/** Bound by the hash, which is slow on purpose; so better-auth is run with ours as well. */
export function httpSignInRow(): Row {
  return {
    name: 'http-sign-in',
    title: `password sign-in over HTTP, ${connections} connections, ${longer} times as long`,
    async prepare() {
      const unpin = pinLoad()
      const ours = await startSallyport()
      const scrypt = await startBetterAuth({ hash: 'scrypt' })
      const argon2id = await startBetterAuth({ hash: 'argon2id' })
      const contenders = [
        contender('ours, argon2id', ours.process(), ours.signIn),
        contender('better-auth, its scrypt', scrypt.process(), scrypt.signIn),
        contender('better-auth, our argon2id', argon2id.process(), argon2id.signIn),
      ]
      const ratio = (peer: string, atLeast: number) => ({
        text: `ours ÷ ${peer}`,
        of: ['ours, argon2id', 'per second'] as const,
        per: [peer, 'per second'] as const,
        atLeast,
      })
      const cost = (peer: string, atLeast: number) => ({
        text: `processor time, ${peer} ÷ ours`,
        of: [peer, 'server CPU µs'] as const,
        per: ['ours, argon2id', 'server CPU µs'] as const,
        atLeast,
      })
      const claims = [
        ratio('better-auth, its scrypt', 6),
        ratio('better-auth, our argon2id', 1.05),
        cost('better-auth, its scrypt', 6),
        cost('better-auth, our argon2id', 1.05),
      ]
      const close = async () => {
        await Promise.all([ours.stop(), scrypt.stop(), argon2id.stop()])
        unpin()
      }
      return { contenders, claims, close }
    },
  }
}

function contender(name: string, server: ServerProcess, request: string): Contender {
  return { name, run: (ms) => traffic({ server, connections, ms: ms * longer, next: () => request }) }
}
