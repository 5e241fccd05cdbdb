import type { LedgerRecord, Tx } from '@sallyport/core'
import { apiKeyPort, applicationPort } from './ports/applications.ts'
import { attemptPort } from './ports/attempts.ts'
import { blockPort, failurePort } from './ports/blocks.ts'
import { bundlePort } from './ports/bundles.ts'
import { challengePort } from './ports/challenges.ts'
import { companyPort } from './ports/companies.ts'
import { credentialPort } from './ports/credentials.ts'
import { devicePort } from './ports/devices.ts'
import { enrolmentPort } from './ports/enrolments.ts'
import { guessPort } from './ports/guesses.ts'
import { ledgerPort } from './ports/ledger.ts'
import { oncePort } from './ports/once.ts'
import { outboxPort } from './ports/outbox.ts'
import { refreshTokenPort, sessionPort } from './ports/sessions.ts'
import { settingPort } from './ports/settings.ts'
import { signInPort } from './ports/sign-ins.ts'
import { spoolPort } from './ports/spool.ts'
import { subjectPort } from './ports/subjects.ts'
import { threatPort } from './ports/threats.ts'
import { ticketPort } from './ports/tickets.ts'
import { secretPort, vaultKeyPort } from './ports/vault.ts'
import { validationClientPort, yubikeyPort } from './ports/yubikeys.ts'
import type { Sql } from './sql.ts'

/** All the ports over one transaction. `appended` receives what goes to the ledger when it commits. */
export function createTx(sql: Sql, appended: LedgerRecord[]): Tx {
  return {
    subjects: subjectPort(sql),
    enrolments: enrolmentPort(sql),
    attempts: attemptPort(sql),
    once: oncePort(sql),
    guesses: guessPort(sql),
    ledger: ledgerPort(sql, appended),
    applications: applicationPort(sql),
    apiKeys: apiKeyPort(sql),
    secrets: secretPort(sql),
    vaultKeys: vaultKeyPort(sql),
    settings: settingPort(sql),
    challenges: challengePort(sql),
    sessions: sessionPort(sql),
    refreshTokens: refreshTokenPort(sql),
    tickets: ticketPort(sql),
    devices: devicePort(sql),
    outbox: outboxPort(sql),
    companies: companyPort(sql),
    spool: spoolPort(sql),
    yubikeys: yubikeyPort(sql),
    validationClients: validationClientPort(sql),
    signIns: signInPort(sql),
    threats: threatPort(sql),
    blocks: blockPort(sql),
    failures: failurePort(sql),
    credentials: credentialPort(sql),
    bundles: bundlePort(sql),
  }
}
