import type { Store } from '@sallyport/core'

/** What a database offers its contract tests; what it opened it closes itself. */
export interface Bench {
  /** A store on a database that nobody used before. */
  fresh(): Promise<Store>
  /** Two stores on one such database: two nodes. */
  pair(): Promise<[Store, Store]>
}
