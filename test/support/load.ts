import { setTimeout as sleep } from 'node:timers/promises'
import { expect, vi } from 'vitest'
import { callerOf, type Phone } from './people.ts'

/** One request and what became of it: status 0 where no answer came. */
export interface Asked {
  kind: 'verify' | 'wrong' | 'session'
  node: number
  status: number
  code: string | undefined
  began: number
  ended: number
  attemptsLeft?: number
}

export interface LoadOptions {
  urls: readonly string[]
  key: string
  token: string
  /** By extension: whose codes are submitted. */
  phones: ReadonlyMap<string, Phone>
  /** Gets nothing but wrong codes. */
  victim: { extension: string; phone: Phone }
}

export type Load = ReturnType<typeof startLoad>

/** Verifications and session checks, on every node all the time. Each right code goes to all nodes at once. */
export function startLoad({ urls, key, token, phones, victim }: LoadOptions) {
  const call = callerOf(() => urls[0]!)
  const answers: Asked[] = []
  /** Of each right code, how it fared: once each time that it was submitted. */
  const values: Asked[][] = []
  let rounds = 0
  let stopping = false

  async function ask(kind: Asked['kind'], node: number, body?: object): Promise<Asked> {
    const url = urls[node]!
    const began = performance.now()
    const path = kind === 'session' ? '/auth/me' : '/api/mfa/verify'
    const options = kind === 'session' ? { token, url } : { token: key, body, url }
    const answer = await call(kind === 'session' ? 'GET' : 'POST', path, options).catch(() => null)
    const asked = {
      ...{ kind, node, began, ended: performance.now(), status: answer?.status ?? 0 },
      ...{ code: answer?.body.code, attemptsLeft: answer?.body.attempts_left },
    }
    answers.push(asked)
    return asked
  }

  const everywhere = (body: object) => Promise.all(urls.map((_, node) => ask('verify', node, body)))
  const isKnown = ({ status }: Asked) => status === 200 || status === 401

  async function submit(extension: string, phone: Phone): Promise<void> {
    while (!stopping) {
      const body = { extension, code: await phone.code() }
      const outcomes: Asked[] = []
      values.push(outcomes)
      // Again and again until somebody knows, and once more.
      do outcomes.push(...(await everywhere(body)))
      while (!stopping && !outcomes.some(isKnown) && (await sleep(100, true)))
      outcomes.push(...(await everywhere(body)))
      rounds++
      await sleep(800)
    }
  }

  async function checkSession(node: number): Promise<void> {
    for (; !stopping; await sleep(40)) await ask('session', node)
  }

  async function guess(node: number): Promise<void> {
    const body = { extension: victim.extension, code: victim.phone.wrong() }
    for (; !stopping; await sleep(600)) await ask('wrong', node, body)
  }

  const running = Promise.all([
    ...[...phones].map(([extension, phone]) => submit(extension, phone)),
    ...urls.flatMap((_, node) => [checkSession(node), guess(node)]),
  ])

  return {
    answers,
    /** Waits until each of these nodes has answered, as it should, what was asked after `since`. */
    async servedBy(nodes: readonly number[], since: number, within: number): Promise<void> {
      const served = (node: number, kind: Asked['kind']) =>
        answers.some(
          (asked) => asked.node === node && asked.kind === kind && asked.began > since && isKnown(asked),
        )
      const timeout = Math.max(1, since + within - performance.now())
      const unserved = () => nodes.filter((node) => !served(node, 'verify') || !served(node, 'session'))
      await vi.waitFor(() => expect(unserved()).toEqual([]), { timeout })
    },
    /** Waits until as many more codes went the whole way as there are phones. */
    async round(): Promise<void> {
      const wanted = rounds + phones.size
      await vi.waitFor(() => expect(rounds).toBeGreaterThanOrEqual(wanted), { timeout: 15_000 })
    },
    /** Whatever happened: of these nodes no answer but the right one or a clean 503. */
    expectPromisesKept(alive: readonly number[]): void {
      for (const asked of answers.filter(({ node }) => alive.includes(node))) {
        const right = { session: [200], verify: [200, 401], wrong: [401] }[asked.kind]
        expect([...right, 503], JSON.stringify(asked)).toContain(asked.status)
        if (asked.status === 503) expect(asked.code).toBe('store_unavailable')
        if (asked.status === 401) expect(asked.code).toBe('invalid_code')
      }
      for (const outcomes of values) {
        const accepted = outcomes.filter(({ status }) => status === 200).length
        expect(accepted).toBeLessThanOrEqual(1)
        const finished = outcomes.length >= 2 * urls.length
        if (finished && outcomes.every(isKnown)) expect(accepted).toBe(1)
      }
      // Each wrong guess that was answered is counted.
      const wrong = answers.filter(({ kind, status }) => kind === 'wrong' && status === 401)
      const left = Math.min(...wrong.map(({ attemptsLeft }) => attemptsLeft!))
      expect(new Set(wrong.map(({ attemptsLeft }) => attemptsLeft)).size).toBe(wrong.length)
      expect(left).toBeLessThanOrEqual(1_000_000 - wrong.length)
    },
    async stop(): Promise<void> {
      stopping = true
      await running
    },
  }
}
