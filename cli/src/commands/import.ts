import { basename } from 'node:path'
import { type ImportFinding, type ImportSummary, importUsers } from '@sallyport/core'
import type { Command } from 'commander'
import { openReportFile, type ReportFile } from '../import/report-file.ts'
import { openUserFile, type UserFile } from '../import/user-file.ts'
import { createProgress, print, style, table } from '../output.ts'
import type { Sallyport } from '../sallyport.ts'
import { addGroup, type CommonOptions, installationCommand, withSallyport } from './common.ts'

interface ImportWords extends CommonOptions {
  apply?: true
  strict?: true
  allowSharedSeeds?: true
  report?: string
}

interface Outcome {
  applied: boolean
  summary: ImportSummary
  findings: ImportFinding[]
  /** How many more there were than are kept to be shown. */
  leftOff: number
}

/** A million rows may be refused: so many are shown, and all of them are in the report. */
const shown = { text: 100, json: 1000 }

export function addImportCommands(program: Command): void {
  const users = installationCommand('users', 'bring users in, with their password hashes and authenticators')
    .argument('<file>', 'CSV, a JSON array, or JSON Lines')
    .option('--apply', 'write the users; without it the file is only checked')
    .option('--strict', 'write nothing if any row is refused or exists already')
    .option('--report <file>', 'write the rows that were not imported as CSV')
    .option('--allow-shared-seeds', 'let several users have one authenticator seed')
    .addHelpText(
      'after',
      '\nExample:\n  $ sallyport import users users.csv\n  $ sallyport import users users.csv --apply --report refused.csv\n',
    )
    .action((file: string, options: ImportWords) => runImport(file, options))
  addGroup(program, {
    name: 'import',
    description: 'bring users in from elsewhere',
    commands: [users],
  })
}

async function runImport(path: string, options: ImportWords): Promise<void> {
  const file = openUserFile(path)
  const report = options.report === undefined ? null : openReportFile(options.report, { input: path })
  const run = (sallyport: Sallyport, apply: boolean) =>
    importOnce(sallyport, { file, source: basename(path), apply, report, options })
  try {
    const outcome = await withSallyport(
      options,
      async (sallyport) => {
        if (!options.apply || !options.strict) return run(sallyport, options.apply ?? false)
        const tried = await run(sallyport, false)
        return leftOut(tried, options) > 0 ? tried : run(sallyport, true)
      },
      { begin: options.apply ?? false },
    )
    printOutcome(outcome, { name: basename(path), options })
    if (leftOut(outcome, options) > 0) process.exitCode = 1
  } finally {
    report?.close()
  }
}

async function importOnce(
  { store, vault, clock, random, passwordScheme }: Sallyport,
  work: { file: UserFile; source: string; apply: boolean; report: ReportFile | null; options: ImportWords },
): Promise<Outcome> {
  const { file, source, apply, options } = work
  const findings: ImportFinding[] = []
  let told = 0
  const progress = options.json ? () => {} : createProgress(apply ? 'importing %' : 'checking %')
  const percent = (read: number) => Math.floor((read / Math.max(read, file.size, 1)) * 100)
  const summary = await importUsers(
    file.records((read) => progress(percent(read), 100)),
    {
      ...{ store, vault, clock, random, passwordScheme, apply },
      source: source.replaceAll(/\p{C}/gu, '?').slice(0, 128),
      sharedSeeds: options.allowSharedSeeds ?? false,
      report(finding) {
        told++
        if (findings.length < (options.json ? shown.json : shown.text)) findings.push(finding)
        if (finding.kind !== 'warning') work.report?.write(finding)
      },
    },
  )
  findings.sort((a, b) => a.line - b.line)
  return { applied: apply, summary, findings, leftOff: told - findings.length }
}

/** How many rows speak against the import. One that was done before does so only where that was asked for. */
function leftOut({ summary }: Outcome, { strict }: ImportWords): number {
  return summary.refused + (strict ? summary.existing : 0)
}

function printOutcome(outcome: Outcome, context: { name: string; options: ImportWords }): void {
  const { applied, summary, findings, leftOff } = outcome
  const { name, options } = context
  const { rows, fit, existing, refused, warnings } = summary
  print({
    json: options.json ?? false,
    data: {
      ...{
        applied,
        rows,
        imported: applied ? fit : 0,
        ready: applied ? 0 : fit,
        existing,
        refused,
        warnings,
      },
      findings: findings.map(({ line, kind, field, reason }) => ({ line, kind, field, reason })),
      findings_left_off: leftOff,
    },
    text: () => {
      const counts = [
        `${name}: ${rows} rows`,
        applied ? style.green(`${fit} imported`) : `${fit} ready to be imported`,
        `${existing} existing already`,
        refused > 0 ? style.red(`${refused} refused`) : 'none refused',
      ].join(', ')
      const list = findings.map(({ line, kind, field, reason }) => [String(line), kind, field ?? '–', reason])
      return [
        ...(list.length > 0 ? [table(['LINE', 'KIND', 'FIELD', 'REASON'], list)] : []),
        ...(leftOff > 0
          ? [style.dim(`and ${leftOff} more; --report <file> has all that were not imported`)]
          : []),
        counts,
        ...(applied ? [] : [nothingWritten(options)]),
      ].join('\n')
    },
  })
}

function nothingWritten({ apply, strict }: ImportWords): string {
  return apply && strict
    ? 'nothing was written: --strict wants every row to be new and without a fault'
    : 'nothing was written: this was a dry run; add --apply to import'
}
