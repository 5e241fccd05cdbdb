import { createSubject, loginApplication } from '@sallyport/core'
import { loadConfig } from '../../cli/src/config.ts'
import { openSallyport } from '../../cli/src/sallyport.ts'

/** The installation in a data directory, opened as the command opens it. */
export function openInstallation(data: string) {
  return openSallyport(loadConfig({ environment: {}, flags: { data } }))
}

export type Installation = Awaited<ReturnType<typeof openInstallation>>

export function addSubject(installation: Installation, ref: string, more: { role?: string } = {}) {
  const { store, clock, random } = installation
  const wanted = { application: loginApplication, ref, ...more }
  return store.transaction((tx) => createSubject(wanted, { tx, clock, random }))
}

/** A generator that gives the same numbers for the same seed: below `limit`, whole. */
export function seededIntegers(seed: number): (limit: number) => number {
  let state = seed
  return (limit) => {
    // mulberry32, public domain
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return Math.floor((((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32) * limit)
  }
}
