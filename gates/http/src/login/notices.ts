import { networkOf, type Outbox, type Subject, type Tx } from '@sallyport/core'

interface Place {
  address: string
  userAgent: string | null
}

/** Tells of a sign-in from a network that none of the person's other sessions in force came from; answers whether. */
export async function tellNewPlace(
  tx: Tx,
  signedIn: { subject: Subject; sessionId: string; place: Place; now: number },
  outbox: Outbox,
): Promise<boolean> {
  const { subject, sessionId, place, now } = signedIn
  const others = (await tx.sessions.listBySubject(subject.id, now)).filter(({ id }) => id !== sessionId)
  const network = networkOf(place.address)
  const known = others.some(({ address }) => address !== null && networkOf(address) === network)
  if (others.length === 0 || known) return false
  return outbox.notify(tx, { subject, kind: 'new_place', facts: factsOf(place) })
}

/** Tells that the password was right and codes were wrong: once a lock, not once a code. */
export async function tellWrongFactor(
  tx: Tx,
  refused: { subjectId: string; place: Place },
  outbox: Outbox,
): Promise<void> {
  const { subjectId, place } = refused
  const subject = await tx.subjects.find(subjectId)
  if (subject) await outbox.notify(tx, { subject, kind: 'wrong_factor', facts: factsOf(place) })
}

function factsOf({ address, userAgent }: Place): Record<string, string> {
  return { address, ...(userAgent === null ? {} : { device: userAgent }) }
}
