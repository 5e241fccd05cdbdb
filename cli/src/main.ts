import { runProgram } from './run-program.ts'

/** In the order in which the help lists them. */
const commands = {
  serve: async () => (await import('./commands/serve.ts')).addServeCommand,
  user: async () => (await import('./commands/user.ts')).addUserCommands,
  import: async () => (await import('./commands/import.ts')).addImportCommands,
  apikey: async () => (await import('./commands/apikey.ts')).addApiKeyCommands,
  application: async () => (await import('./commands/application.ts')).addApplicationCommands,
  policy: async () => (await import('./commands/policy.ts')).addPolicyCommands,
  ledger: async () => (await import('./commands/server-ledger.ts')).addServerLedgerCommands,
  key: async () => (await import('./commands/key.ts')).addKeyCommands,
  siem: async () => (await import('./commands/siem.ts')).addSiemCommands,
  recording: async () => (await import('./commands/recording.ts')).addRecordingCommands,
  totp: async () => (await import('./commands/totp.ts')).addTotpCommands,
  yubikey: async () => (await import('./commands/yubikey.ts')).addYubikeyCommands,
  block: async () => (await import('./commands/block.ts')).addBlockCommand,
  unblock: async () => (await import('./commands/block.ts')).addUnblockCommand,
  blocked: async () => (await import('./commands/block.ts')).addBlockedCommand,
  shim: async () => (await import('./shim/server-commands.ts')).addServerShimCommands,
  doctor: async () => (await import('./commands/doctor.ts')).addDoctorCommand,
}

await runProgram(commands, { beginWith: ['serve', 'doctor'] })
