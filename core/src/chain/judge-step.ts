import type { FactorMatch } from '../factors/factor.ts'
import type { AdmittedStep, Candidate } from './admit-step.ts'
import type { AttemptContext } from './attempt-context.ts'

export interface Match extends Candidate {
  match: FactorMatch
}

export interface Judgement {
  matches: Match[]
  /** Why nothing matches, as far as a factor said so. */
  why: string | null
}

/** The second of three: everything that costs time, outside any transaction. */
export function createJudge({ vault, clock }: AttemptContext) {
  async function judge({ attempt, candidates, binding }: AdmittedStep, input: unknown): Promise<Judgement> {
    const now = clock.now()
    const asked = { application: attempt.application, binding }
    let why: string | null = null
    const missed = (reason: string) => {
      why = reason
    }
    const matches: Match[] = []
    for (const candidate of candidates) {
      const { factor, enrolment, challenge } = candidate
      const secret = await openSecret(candidate)
      const challengeId = challenge && { challengeId: challenge.id }
      const claim = { enrolment, secret, input, now, asked, missed, ...challengeId }
      const match = await factor.verify(claim)
      if (match) matches.push({ ...candidate, match })
    }
    return { matches, why }
  }

  async function openSecret({ factor, enrolment, challenge }: Candidate): Promise<Uint8Array> {
    const { sealed } = challenge ?? enrolment
    const purpose = challenge ? 'challenge' : factor.type
    return sealed ? vault.open({ subject: enrolment.subjectId, purpose, sealed }) : new Uint8Array()
  }

  return judge
}
