import type { Row } from './harness.ts'
import { backupRow } from './rows/backup.ts'
import { storedPostgresRow } from './rows/stored-postgres.ts'
import { storedSqliteRow } from './rows/stored-sqlite.ts'
import { totpRow } from './rows/totp.ts'
import { vaultRow } from './rows/vault.ts'

/** In the order in which they run: what needs no disk and no server first. */
export const rows: readonly Row[] = [
  totpRow(),
  vaultRow(),
  backupRow({ iterations: 600_000 }),
  storedSqliteRow(),
  storedPostgresRow(),
]
