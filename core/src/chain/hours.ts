/** A weekly span of time in one time zone. */
export interface Hours {
  readonly text: string
  includes(at: number): boolean
}

const days = ['mon', 'tue', 'wed', 'thu', 'fri', 'sat', 'sun']
const form =
  /^(?:([a-z]{3}(?:-[a-z]{3})?(?:,[a-z]{3}(?:-[a-z]{3})?)*) )?(\d\d):(\d\d)-(\d\d):(\d\d)(?: ([\w+:/-]{1,64}))?$/i

/**
 * `Mon-Fri 08:00-18:00 Europe/London`: days (all, if none are named), from a time up to but not including
 * another, in a time zone (UTC, if none is named). A span that ends before it begins runs over midnight
 * and belongs to the day it begins on. `null` for anything else.
 */
export function parseHours(text: string): Hours | null {
  const [, named, fromHour, fromMinute, toHour, toMinute, zone] = form.exec(text.slice(0, 200)) ?? []
  const from = minuteOfDay(fromHour, fromMinute)
  const to = minuteOfDay(toHour, toMinute)
  const chosen = named === undefined ? new Set(days.keys()) : daySet(named)
  if (from === null || to === null || from === to || from === 1440 || chosen === null) return null
  const local = localTimes(zone ?? 'UTC')
  if (local === null) return null
  return Object.freeze({
    text,
    includes(at: number) {
      const { day, minute } = local(at)
      if (from < to) return chosen.has(day) && minute >= from && minute < to
      return (chosen.has(day) && minute >= from) || (chosen.has((day + 6) % 7) && minute < to)
    },
  })
}

function minuteOfDay(hour: string | undefined, minute: string | undefined): number | null {
  const minutes = Number(hour) * 60 + Number(minute)
  return Number(minute) < 60 && minutes <= 1440 ? minutes : null
}

/** `mon-fri`, `sat-sun`, `fri-mon` (over the week's end), `mon,wed,fri`. */
function daySet(named: string): Set<number> | null {
  const chosen = new Set<number>()
  for (const part of named.toLowerCase().split(',')) {
    const [first, last = first] = part.split('-').map((name) => days.indexOf(name))
    if (first === undefined || last === undefined || first < 0 || last < 0) return null
    for (let day = first; ; day = (day + 1) % 7) {
      chosen.add(day)
      if (day === last) break
    }
  }
  return chosen
}

function localTimes(zone: string): ((at: number) => { day: number; minute: number }) | null {
  try {
    const format = new Intl.DateTimeFormat('en-US', {
      timeZone: zone,
      weekday: 'short',
      hour: '2-digit',
      minute: '2-digit',
      hourCycle: 'h23',
    })
    return (at) => {
      const parts = Object.fromEntries(format.formatToParts(at).map(({ type, value }) => [type, value]))
      return {
        day: days.indexOf(parts.weekday!.toLowerCase()),
        minute: Number(parts.hour) * 60 + Number(parts.minute),
      }
    }
  } catch {
    return null // not a time zone
  }
}
