/** The package brings no types; this is what is called of it. */
declare module 'better-sqlite3' {
  // biome-ignore lint/style/noDefaultExport: that is how a CommonJS package looks from here
  export default class Database {
    constructor(path: string)
    pragma(text: string): unknown
  }
}
