import { spawn } from 'node:child_process'
import { constants } from 'node:os'

const forwarded = ['SIGINT', 'SIGTERM', 'SIGHUP']

/**
 * Runs a program to its end and hands on the signals that this process gets. Answers the program's exit
 * code (128 + n after signal n, as a shell would say it) and whether any signal was handed on.
 */
export function run(command, args, options, started = () => {}) {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, options)
    let interrupted = false
    const forward = (signal) => {
      interrupted = true
      // A terminal sends Ctrl-C to every program in the foreground: this child has had its own already.
      if (signal !== 'SIGINT' || !process.stdin.isTTY) child.kill(signal)
    }
    for (const signal of forwarded) process.on(signal, forward)
    const settle = (answer) => {
      for (const signal of forwarded) process.off(signal, forward)
      answer()
    }
    child.on('error', (error) => settle(() => reject(error)))
    child.on('close', (code, signal) =>
      settle(() => resolve({ code: code ?? 128 + constants.signals[signal], interrupted })),
    )
    if (child.pid !== undefined) started(child)
  })
}
