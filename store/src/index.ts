export { openStore } from './open-store.ts'
export type { PostgresOptions } from './postgres.ts'
export { createPostgresStore } from './postgres-store.ts'
export { createSqliteStore, readSqliteStore, type SqliteOptions } from './sqlite.ts'
