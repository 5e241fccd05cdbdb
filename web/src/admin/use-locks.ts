import { useEffect, useRef } from 'react'
import { useSession } from '../session/session.tsx'
import { followEvents } from './event-feed.ts'

interface Locked {
  id: number
  type: string
  subject: string
}

/** So that many at once are one change of the page. */
const together = 250
const longestWait = 24 * 3_600_000

/**
 * Says when somebody was locked or unlocked, and, with `null`, when the page may have missed that: as the line
 * to the server is there again. `until` is when the next lock ends by itself, which nobody tells.
 */
export function useLocks(
  onChange: (subjects: ReadonlySet<string> | null) => void,
  until: string | null = null,
) {
  const { client } = useSession()
  const newest = useRef(onChange)
  newest.current = onChange
  useEffect(() => {
    const controller = new AbortController()
    const subjects = new Set<string>()
    let broken = false
    let waiting: ReturnType<typeof setTimeout> | undefined
    const tell = () => {
      waiting = undefined
      newest.current(new Set(subjects))
      subjects.clear()
    }
    void followEvents<Locked>({
      ...{ client, path: '/api/admin/locks/stream', signal: controller.signal },
      onEvent: ({ subject }) => {
        subjects.add(subject)
        waiting ??= setTimeout(tell, together)
      },
      onState(listening) {
        if (listening && broken) newest.current(null)
        broken = !listening
      },
    })
    return () => {
      controller.abort()
      clearTimeout(waiting)
    }
  }, [client])
  useEffect(() => {
    if (until === null) return
    const wait = Math.min(longestWait, Math.max(0, Date.parse(until) - Date.now()) + together)
    const timer = setTimeout(() => newest.current(null), wait)
    return () => clearTimeout(timer)
  }, [until])
}
