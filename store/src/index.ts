export { openStore } from './open-store.ts'
export { createPostgresStore, type PostgresOptions } from './postgres.ts'
export { createSqliteStore, type SqliteOptions } from './sqlite.ts'
