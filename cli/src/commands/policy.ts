import {
  explainSubject,
  formatExplanation,
  type GatePolicies,
  loginApplication,
  parseAddress,
  parseGatePolicies,
  type ReplayGroup,
  recordedDecisions,
  replayDecisions,
  SallyportError,
} from '@sallyport/core'
import { Command } from 'commander'
import { enforcementOf, loginPolicies } from '../login-policies.ts'
import { print, style } from '../output.ts'
import { readYaml } from '../read-yaml.ts'
import {
  addGroup,
  type CommonOptions,
  configOf,
  installationCommand,
  isoTime,
  wholeNumber,
  withSallyport,
} from './common.ts'

const day = 86_400_000

interface ExplainOptions extends CommonOptions {
  policy?: string
  subject: string
  app: string
  gate: string
  ip?: string
  newDevice?: boolean
  risk?: string
}

export function addPolicyCommands(program: Command): void {
  const check = new Command('check')
    .description('validate a policy file, naming every fault by its path')
    .argument('<file>', 'YAML or JSON')
    .option('--json', 'answer in JSON')
    .addHelpText('after', '\nExample:\n  $ sallyport policy check policies.yaml\n')
    .action((file: string, options: { json?: boolean }) => checkPolicies(file, options.json ?? false))
  const explain = installationCommand('explain', 'say which rule applies to a subject, and why')
    .requiredOption('--subject <name>', 'e-mail address or other name of the subject')
    .option(
      '--policy <file>',
      'a policy file (default: the one that the configuration names, else the built-in one)',
    )
    .option('--app <name>', 'the application the subject belongs to', loginApplication)
    .option('--gate <name>', 'the gate', 'login')
    .option('--ip <address>', 'the address the sign-in comes from')
    .option('--new-device', 'as if from a device not seen before')
    .option('--risk <score>', 'as if the sign-in had this score, 0 to 100')
    .addHelpText(
      'after',
      '\nExample:\n  $ sallyport policy explain --subject alice --gate login --ip 203.0.113.7\n',
    )
    .action((options: ExplainOptions) => explainPolicies(options))
  const replay = installationCommand('replay', "decide the ledger's real attempts again by a draft")
    .argument('<file>', 'the draft, in YAML or JSON')
    .option('--days <n>', 'how far back', '30')
    .addHelpText('after', '\nExample:\n  $ sallyport policy replay draft.yaml --days 30\n')
    .action((file: string, options: CommonOptions & { days: string }) => replayPolicies(file, options))
  addGroup(program, {
    name: 'policy',
    description: 'check, explain and replay policies',
    commands: [check, explain, replay],
  })
}

function readPolicies(file: string): GatePolicies {
  try {
    return parseGatePolicies(readYaml(file))
  } catch (error) {
    if (!(error instanceof SallyportError) || error.code !== 'policy_invalid') throw error
    throw new SallyportError('policy_invalid', `${file} cannot be used:\n${error.message}`, {
      faults: error.faults,
    })
  }
}

function checkPolicies(file: string, json: boolean): void {
  const policies = readPolicies(file)
  const rules = policies.rules.map(({ name, action }) => ({ name, action }))
  print({
    json,
    data: { valid: true, rules, otherwise: policies.otherwise },
    text: () =>
      `${style.green('valid')}: ${rules.map(({ name, action }) => `${name} (${action})`).join(', ')}; otherwise ${policies.otherwise}`,
  })
}

async function explainPolicies(options: ExplainOptions): Promise<void> {
  const config = configOf(options)
  const policies = options.policy === undefined ? loginPolicies(config) : readPolicies(options.policy)
  const risk = options.risk === undefined ? null : wholeNumber('--risk', options.risk, { from: 0, to: 100 })
  if (options.ip !== undefined && parseAddress(options.ip) === null) {
    throw new SallyportError('invalid_input', `--ip: ${JSON.stringify(options.ip)} is no address`)
  }
  const request = {
    ...{ application: options.app, name: options.subject, gate: options.gate, address: options.ip ?? null },
    ...{ newDevice: options.newDevice ?? null, risk },
  }
  const enforcement = enforcementOf(config)
  const found = await withSallyport(options, ({ store, clock }) =>
    explainSubject(policies, request, { store, clock, enforcement }),
  )
  if (!found) {
    throw new SallyportError(
      'not_found',
      `there is no subject ${JSON.stringify(options.subject)} in the application ${options.app}`,
    )
  }
  const { explanation } = found
  print({
    json: options.json ?? false,
    data: explanation,
    text: () => formatExplanation(explanation).join('\n'),
  })
}

async function replayPolicies(file: string, options: CommonOptions & { days: string }): Promise<void> {
  const draft = readPolicies(file)
  const days = wholeNumber('--days', options.days, { from: 1, to: 3650 })
  const report = await withSallyport(options, ({ store, clock }) =>
    replayDecisions(draft, recordedDecisions(store, clock.now() - days * day)),
  )
  print({
    json: options.json ?? false,
    data: report,
    text: () =>
      [
        `${report.total} attempts in ${days} days; ${report.unchanged} would be decided the same`,
        ...describeGroup('newly denied', report.denied),
        ...describeGroup('stepped up', report.steppedUp),
        ...describeGroup('let through', report.letThrough),
      ].join('\n'),
  })
}

function describeGroup(title: string, group: ReplayGroup): string[] {
  const lines = group.changes.map(
    ({ subject, rule, from, to, count, firstAt, lastAt }) =>
      `  ${subject}: ${count}× ${describeStep(from)} → ${describeStep(to)} by ${rule}, ${isoTime(firstAt)} to ${isoTime(lastAt)}`,
  )
  return [style.bold(`${group.count} ${title}`), ...lines]
}

function describeStep({ action, steps }: { action: string; steps: number }): string {
  return action === 'chain' ? `${steps} ${steps === 1 ? 'step' : 'steps'}` : action
}
