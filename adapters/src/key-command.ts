import { execFile } from 'node:child_process'
import { SallyportError } from '@sallyport/core'
import { parseKeyText } from './key-text.ts'

const COMMAND_TIMEOUT_MS = 10_000
const MAX_OUTPUT_BYTES = 4096

/**
 * Runs a program, without a shell, that prints the key. What it printed never appears in an error, for it
 * may be the key; nor do its arguments, for they may open the key.
 */
export function readKeyCommand(
  command: readonly string[],
  timeout: number = COMMAND_TIMEOUT_MS,
): Promise<Buffer> {
  const [program, ...args] = command
  if (!program) return Promise.reject(unreadable('the key command is empty'))
  return new Promise((resolve, reject) => {
    const limits = { timeout, maxBuffer: MAX_OUTPUT_BYTES, killSignal: 'SIGKILL' } as const
    const child = execFile(
      program,
      args,
      { ...limits, encoding: 'latin1', shell: false },
      (error, stdout) => {
        if (error) return reject(unreadable(`the key command ${program} ${whatWentWrong(error, timeout)}`))
        const key = parseKeyText(stdout)
        if (key) return resolve(key)
        reject(
          unreadable(`the key command ${program} did not print 32 bytes in base64 or hex, and nothing else`),
        )
      },
    )
    // A program that asks something would otherwise wait for an answer.
    child.stdin?.end()
  })
}

function whatWentWrong(error: Error & { code?: unknown; killed?: boolean }, timeout: number): string {
  if (error.code === 'ERR_CHILD_PROCESS_STDIO_MAXBUFFER') return `printed more than ${MAX_OUTPUT_BYTES} bytes`
  if (error.killed) return `did not finish within ${timeout / 1000} s`
  if (typeof error.code === 'number') return `ended with status ${error.code}: run it by hand to see why`
  return `could not be run: ${typeof error.code === 'string' ? error.code : 'it was killed'}`
}

const unreadable = (message: string) => new SallyportError('vault_key_unreadable', message)
