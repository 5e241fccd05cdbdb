import { parseArgs } from 'node:util'
import { serve } from '@hono/node-server'
import { createChainDemo } from './chain-demo.ts'
import { createDemoApp } from './demo-app.ts'

const usage = `usage: npm run demo:chain -- [--port 8000] [--mode fixed|random] [--debug-codes]

  --port         the port to listen on, on this machine alone (default: 8000)
  --mode         fixed: the steps always come in the same order (default);
                 random: every attempt, and every RESET, draws a new order
  --debug-codes  give out the code that would pass, to try the demo without a phone`

const failed = 1
const wrongUsage = 2

interface Flags {
  port: number
  mode: 'fixed' | 'random'
  debugCodes: boolean
}

try {
  const flags = readFlags(process.argv.slice(2))
  if (flags) run(flags)
  else console.log(usage)
} catch (error) {
  console.error(`chain-demo: ${(error as Error).message}\n\n${usage}`)
  process.exitCode = wrongUsage
}

/** The flags, or null when help is asked for. */
function readFlags(args: string[]): Flags | null {
  const { values } = parseArgs({
    args,
    options: {
      port: { type: 'string', default: '8000' },
      mode: { type: 'string', default: 'fixed' },
      'debug-codes': { type: 'boolean', default: false },
      help: { type: 'boolean', short: 'h', default: false },
    },
  })
  const { port, mode } = values
  if (values.help) return null
  if (!/^[0-9]{1,5}$/.test(port) || Number(port) > 65_535) {
    throw new Error(`--port takes a number from 0 to 65535, not "${port}"`)
  }
  if (mode !== 'fixed' && mode !== 'random') throw new Error(`--mode takes fixed or random, not "${mode}"`)
  return { port: Number(port), mode, debugCodes: values['debug-codes'] }
}

function run({ port, mode, debugCodes }: Flags): void {
  const app = createDemoApp({ demo: createChainDemo({ mode }), debugCodes })
  const server = serve({ fetch: app.fetch, hostname: '127.0.0.1', port }, (address) => {
    if (debugCodes)
      console.log('Debug codes are on: whoever uses this machine can ask for a code that passes.')
    console.log(`The chain demo is running, in ${mode} mode: open http://127.0.0.1:${address.port}/`)
  })
  server.once('error', (error: NodeJS.ErrnoException) => {
    const reasons: Record<string, string> = {
      EADDRINUSE: `port ${port} is taken; choose another with --port, or stop what uses it`,
      EACCES: `port ${port} needs rights that you do not have; choose one above 1023 with --port`,
    }
    console.error(`chain-demo: ${reasons[error.code ?? ''] ?? error.message}`)
    process.exitCode = failed
  })
  // Everything is in memory, so there is nothing to finish.
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(0))
}
