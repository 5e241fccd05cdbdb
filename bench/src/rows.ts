import type { Row } from './harness.ts'
import { addressesRow, cidrRow, guardRow } from './rows/addresses.ts'
import { backupRow } from './rows/backup.ts'
import { detectorRow } from './rows/detector.ts'
import { httpFloodRow } from './rows/http-flood.ts'
import { httpSessionRow } from './rows/http-session.ts'
import { httpSignInRow } from './rows/http-sign-in.ts'
import { httpVerifyRow } from './rows/http-verify.ts'
import { recordingRow } from './rows/recording.ts'
import { serialBulkRow } from './rows/serial-bulk.ts'
import { serialPortsRow } from './rows/serial-ports.ts'
import { serialStartRow } from './rows/serial-start.ts'
import { serialTripRow } from './rows/serial-trip.ts'
import { startRow } from './rows/start.ts'
import { storedPostgresRow } from './rows/stored-postgres.ts'
import { storedSqliteRow } from './rows/stored-sqlite.ts'
import { totpRow } from './rows/totp.ts'
import { vaultRow } from './rows/vault.ts'
import { webauthnRow } from './rows/webauthn.ts'
import { yubikeyRow } from './rows/yubikey.ts'

/** In the order in which they run: what needs no disk and no server first. */
export const rows: readonly Row[] = [
  totpRow(),
  vaultRow(),
  detectorRow(),
  addressesRow(),
  cidrRow(),
  guardRow(),
  backupRow({ iterations: 600_000 }),
  yubikeyRow(),
  recordingRow(),
  webauthnRow(),
  storedSqliteRow(),
  storedPostgresRow(),
  httpVerifyRow(),
  httpSessionRow(),
  httpSignInRow(),
  httpFloodRow(),
  startRow(),
  serialTripRow(),
  serialBulkRow(),
  serialPortsRow(),
  serialStartRow(),
]
