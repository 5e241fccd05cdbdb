import { describe, expect, it } from 'vitest'
import { createHashQueue } from './hash-queue.ts'

/** Work that goes on until it is told to end. */
function heldWork() {
  const running: (() => void)[] = []
  let most = 0
  const work = async (name: string) => {
    await new Promise<void>((resolve) => {
      most = Math.max(most, running.push(resolve))
    })
    return name
  }
  const settled = () => new Promise((resolve) => setImmediate(resolve))
  return {
    work,
    most: () => most,
    running: () => running.length,
    async endOne() {
      running.shift()?.()
      await settled()
    },
  }
}

describe('the hash queue', () => {
  it('runs so many at once, keeps so many waiting, and turns the rest away at once', async () => {
    const held = heldWork()
    const queue = createHashQueue({ concurrency: 2, waiting: 3 })
    const runs = ['a', 'b', 'c', 'd', 'e'].map((name) => queue.run(() => held.work(name)))
    expect(await queue.run(() => held.work('late'))).toBe(null)
    expect(held.running()).toBe(2)
    for (let round = 0; round < 5; round++) await held.endOne()
    expect((await Promise.all(runs)).map((ran) => ran?.result)).toEqual(['a', 'b', 'c', 'd', 'e'])
    expect(held.most()).toBe(2)
  })

  it('gives the place of work that failed to the next', async () => {
    const queue = createHashQueue({ concurrency: 1, waiting: 1 })
    const failing = queue.run(() => Promise.reject(new Error('broken')))
    const next = queue.run(async () => 'done')
    await expect(failing).rejects.toThrow('broken')
    expect(await next).toEqual({ result: 'done' })
    expect(await queue.run(async () => 'again')).toEqual({ result: 'again' })
  })
})
