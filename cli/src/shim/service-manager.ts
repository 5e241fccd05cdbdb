import { execFile } from 'node:child_process'
import type { ShimLog } from '@sallyport/gate-serial'

/** systemd asks for one sign of life in each of its periods: two that are late or lost do no harm. */
const signsPerPeriod = 3
const patience = 5_000

export interface ServiceManager {
  /** Says that the gate is ready, and goes on to say that it answers: one that hangs falls silent, and is started anew. */
  attend(answers: () => Promise<unknown>, log: ShimLog): Promise<void>
  stop(): void
}

/**
 * systemd, where it started this process as `Type=notify`. Node has no datagrams of the Unix kind, so that
 * systemd's own `systemd-notify` speaks for it, which `NotifyAccess=all` lets it do.
 */
export function serviceManagerOf(environment: NodeJS.ProcessEnv): ServiceManager {
  const { NOTIFY_SOCKET: socket, WATCHDOG_USEC: period = '0' } = environment
  // No other program that the gate calls is to speak for it.
  delete environment.NOTIFY_SOCKET
  const pause = Number(period) / 1_000 / signsPerPeriod
  let stopped = false
  let timer: NodeJS.Timeout | undefined

  function tell(state: string, log: ShimLog): Promise<void> {
    const env = { ...environment, NOTIFY_SOCKET: socket }
    return new Promise((resolve) => {
      execFile('systemd-notify', [state], { env, timeout: patience }, (error) => {
        if (error) log.error({ err: error, state }, 'systemd could not be told')
        resolve()
      })
    })
  }

  return {
    async attend(answers, log) {
      if (socket === undefined) return
      const next = () => {
        if (pause > 0 && !stopped) timer = setTimeout(() => void sign(), pause)
      }
      const sign = async () => {
        // A refusal is an answer: what a new start would not mend is no reason for one.
        await answers().catch(() => {})
        if (!stopped) await tell('WATCHDOG=1', log)
        next()
      }
      await tell('READY=1', log)
      next()
    },
    stop() {
      stopped = true
      clearTimeout(timer)
    },
  }
}
