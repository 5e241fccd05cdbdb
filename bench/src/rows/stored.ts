import type { Contender, Race } from '../harness.ts'
import type { Product } from '../product.fixture.ts'
import { callers } from '../timing.ts'
import { createWalker, demand } from '../walker.ts'

const period = 30_000
const callerCounts = [1, 8, 64]

/**
 * The whole path of a sign-in's second factor: an attempt is started and its one step passed, through
 * guard, consumption and ledger, each commit on the disk and each ledger head signed.
 */
export async function wholePath(product: Product): Promise<Contender[]> {
  const signIns = await Promise.all(Array.from({ length: Math.max(...callerCounts) }, () => signIn(product)))
  return byCallers('start + verify', (caller) => signIns[caller]!())
}

/** The same work with one caller and with several at once. */
export function byCallers(name: string, work: (caller: number) => Promise<void>): Contender[] {
  return callerCounts.map((count) => ({
    name: label(name, count),
    run: (ms) => callers({ ms, count }, work),
  }))
}

/** Each whole sign-in has three commits: started, guess spent, settled. */
export function claimsPerCommit(reference: string): Race['claims'] {
  return callerCounts.map((count) => ({
    text: `verifications ÷ bare commits, ${callersText(count)}`,
    of: [label('start + verify', count), 'per second'],
    per: [label(reference, count), 'per second'],
  }))
}

/** A subject whose phone shows a new code whenever it is asked. */
async function signIn(product: Product): Promise<() => Promise<void>> {
  const { store, vault } = product
  const walker = createWalker({ store, vault, at: product.clock.at })
  const subject = await product.addSubject()
  const phone = await product.addPhone(subject)
  return async () => {
    walker.clock.at += period
    const attemptId = await walker.begin(subject)
    const { status } = await walker.attempts.verify({ attemptId, input: phone.code(walker.clock.at) })
    demand(status, 'complete')
  }
}

const label = (name: string, count: number) => `${name}, ${callersText(count)}`
const callersText = (count: number) => (count === 1 ? '1 caller' : `${count} callers`)
