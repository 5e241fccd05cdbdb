import {
  type Clock,
  createAttempts,
  createBackupFactor,
  createEnrolments,
  createSubject,
  defaultTotpSettings,
  parseGatePolicies,
  type Random,
  randomId,
  SallyportError,
  type Store,
  type Subject,
  type Vault,
} from '@sallyport/core'

const application = 'shim-break-glass'
const minute = 60_000

const policies = parseGatePolicies({
  mode: 'fixed',
  requiredSteps: 1,
  factors: [{ id: 'break-glass', label: 'Emergency code', type: 'backup' }],
})

export interface BreakGlass {
  /** A new emergency code for the port, shown this once; the one before is void. */
  issue(port: string): Promise<string>
  /** Uses up the port's code: the session that it opens, or `null`. */
  redeem(port: string, code: string): Promise<string | null>
  /** The sessions that it opened and nobody has explained yet. */
  unexplained(port: string): Promise<string[]>
  explain(session: string, reason: string): Promise<void>
}

const openCases = (port: string) => `shim.break-glass.${port}`

/**
 * One emergency code a port: a locked gate must not cost a patient. It has 65 random bits, so that no
 * number of guesses needs to lock it, and takes the path of every other factor.
 */
export function createBreakGlass(parts: {
  store: Store
  vault: Vault
  clock: Clock
  random: Random
  ports: string[]
  device: string
}) {
  const { store, clock, random, ports, device } = parts
  const enrolments = createEnrolments({
    ...{ ...parts, totp: { ...defaultTotpSettings, window: 1 } },
    backup: { format: 'long', count: 1 },
  })
  const attempts = createAttempts({
    ...{ ...parts, factors: [createBackupFactor()] },
    limits: {
      attempts: 1_000,
      within: minute,
      lockFor: [minute],
      decayAfter: minute,
      ceiling: Number.MAX_SAFE_INTEGER,
    },
  })

  const breakGlass: BreakGlass = {
    async issue(port) {
      if (!ports.includes(port)) throw new SallyportError('not_found', `there is no port "${port}"`)
      const subject = await store.transaction(async (tx) => {
        const found = await tx.subjects.findByAlias(application, port.toLowerCase())
        return found ?? createSubject({ application, ref: port }, { tx, clock, random })
      })
      const [code] = await enrolments.regenerateBackupCodes(subject)
      return code!
    },

    async redeem(port, code) {
      const subject = await find(port)
      if (!subject) return null
      const outcome = await attempts.prove({
        ...{ gate: 'serial', purpose: `break glass at ${port}`, subject, policies, input: code },
        async grant(tx, attempt) {
          const session = randomId(random)
          const cases = JSON.parse((await tx.settings.find(openCases(port))) ?? '[]') as string[]
          await tx.settings.put(openCases(port), JSON.stringify([...cases, session]))
          const who = { device, technician: 'break-glass' }
          const data = { ...who, attempt: attempt.id, session, port, severity: 'critical' }
          tx.ledger.append({
            type: 'break_glass.used',
            at: clock.now(),
            subject: subject.id,
            gate: 'serial',
            data,
          })
          return session
        },
      })
      return outcome.status === 'complete' ? outcome.grant : null
    },

    async unexplained(port) {
      return JSON.parse((await store.read((tx) => tx.settings.find(openCases(port)))) ?? '[]')
    },

    async explain(session, reason) {
      await store.transaction(async (tx) => {
        for (const port of ports) {
          const cases = JSON.parse((await tx.settings.find(openCases(port))) ?? '[]') as string[]
          if (!cases.includes(session)) continue
          await tx.settings.put(openCases(port), JSON.stringify(cases.filter((one) => one !== session)))
          const data = { device, session, port, reason }
          tx.ledger.append({
            type: 'break_glass.explained',
            at: clock.now(),
            actor: 'cli',
            gate: 'serial',
            data,
          })
          return
        }
        throw new SallyportError('not_found', `no break-glass session "${session}" waits to be explained`)
      })
    },
  }

  function find(port: string): Promise<Subject | null> {
    return store.read((tx) => tx.subjects.findByAlias(application, port.toLowerCase()))
  }

  return breakGlass
}
