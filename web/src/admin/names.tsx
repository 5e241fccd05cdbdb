import { useEffect, useRef, useState } from 'react'
import { Link } from 'wouter'
import { useSession } from '../session/session.tsx'
import { useTexts } from '../texts/texts.tsx'

export type Names = ReadonlyMap<string, string>

const mostAtOnce = 100

/** What people go by, for the ids that records keep of them. Each is asked for once. */
export function useNames(ids: readonly (string | null)[]): Names {
  const { client } = useSession()
  const [names, setNames] = useState<Names>(new Map())
  const asked = useRef(new Set<string>())
  const isNew = (id: string | null) => id !== null && /^[\w-]{1,64}$/.test(id) && !asked.current.has(id)
  const wanted = [...new Set(ids.filter(isNew))].slice(0, mostAtOnce).join(',')
  useEffect(() => {
    if (wanted === '') return
    for (const id of wanted.split(',')) asked.current.add(id)
    client.call('GET /api/admin/names', { query: { ids: wanted } }).then(
      ({ items }) =>
        setNames((now) => new Map([...now, ...items.map(({ id, name }) => [id, name] as const)])),
      // Without a name the id itself is shown.
      () => undefined,
    )
  }, [wanted, client])
  return names
}

/** The subject behind an actor such as `subject:…`; `null` for a key, a command, or the guard. */
export function subjectOf(actor: string | null): string | null {
  return actor?.startsWith('subject:') ? actor.slice('subject:'.length) : null
}

/** Somebody, by name and with the way to their page; the id of whoever is no user here, or no more. */
export function Person({ id, names }: { id: string; names: Names }) {
  const name = names.get(id)
  if (name === undefined) return <span className="sp-mono">{id}</span>
  return (
    <Link href={`/admin/people/${id}`} className="sp-person">
      {name}
    </Link>
  )
}

/** Who did something. */
export function Actor({ actor, names }: { actor: string; names: Names }) {
  const { actors } = useTexts().admin
  const subject = subjectOf(actor)
  if (subject !== null) return <Person id={subject} names={names} />
  if (actor.startsWith('apikey:')) return actors.key(actor.slice('apikey:'.length))
  const known: Partial<Record<string, string>> = { cli: actors.cli, guard: actors.guard }
  return known[actor] ?? actor
}
