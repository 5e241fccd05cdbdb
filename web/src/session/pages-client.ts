import { type Client, createClient, ProblemError } from '@sallyport/sdk'

/** For calls that need no session: signing in, links, the steps of an attempt. */
export const anonymous = createClient()

/** Somebody closed the dialog that asked for proof: nothing went wrong, and nothing was done. */
export class Cancelled extends Error {}

export interface PagesClientOptions {
  /** The session is over, here or elsewhere. */
  onEnded(): void
  /** Resolves once fresh proof was given; rejects with `Cancelled`. */
  askForProof(): Promise<void>
}

/**
 * Calls with the session's cookie. An access token that has run out is renewed, fresh proof is asked for
 * where the server wants it, and then what was meant to be done is done.
 */
export function createPagesClient({ onEnded, askForProof }: PagesClientOptions): Client {
  const attempt: Client['call'] = async (...args) => {
    const began = Date.now()
    try {
      return await anonymous.call(...args)
    } catch (error) {
      if (!is(error, 'invalid_token')) throw error
      if (!(await renew(began))) {
        onEnded()
        throw error
      }
      return await anonymous.call(...args)
    }
  }
  return {
    async call(...args) {
      try {
        return await attempt(...args)
      } catch (error) {
        if (!is(error, 'step_up_required')) throw error
        await askForProof()
        return await attempt(...args)
      }
    },
  }
}

const is = (error: unknown, code: string) => error instanceof ProblemError && error.code === code

const renewedKey = 'sallyport.renewed'
let renewing: Promise<boolean> | null = null

/** One at a time among all tabs: a refresh token that is used twice ends the session. */
function renew(since: number): Promise<boolean> {
  renewing ??= exclusively(async () => {
    if (Number(localStorage.getItem(renewedKey)) > since) return true
    try {
      await anonymous.call('POST /auth/refresh', { body: {} })
      localStorage.setItem(renewedKey, String(Date.now()))
      return true
    } catch (error) {
      if (is(error, 'invalid_token')) return false
      throw error
    }
  }).finally(() => {
    renewing = null
  })
  return renewing
}

/** Pages without TLS have no locks: there a tab only waits for itself. */
function exclusively(work: () => Promise<boolean>): Promise<boolean> {
  return navigator.locks ? navigator.locks.request('sallyport-renew', work) : work()
}
