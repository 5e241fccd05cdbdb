import type { FactorMatch } from '../factors/factor.ts'
import type { Candidate } from './admit-step.ts'
import type { AttemptContext } from './attempt-context.ts'

export interface Match extends Candidate {
  match: FactorMatch
}

/** The second of three: everything that costs time, outside any transaction. */
export function createJudge({ vault, clock }: AttemptContext) {
  async function judge(candidates: readonly Candidate[], input: unknown): Promise<Match[]> {
    const now = clock.now()
    const matches: Match[] = []
    for (const candidate of candidates) {
      const { factor, enrolment, challenge } = candidate
      const secret = await openSecret(candidate)
      const challengeId = challenge && { challengeId: challenge.id }
      const match = await factor.verify({ enrolment, secret, input, now, ...challengeId })
      if (match) matches.push({ ...candidate, match })
    }
    return matches
  }

  async function openSecret({ factor, enrolment, challenge }: Candidate): Promise<Uint8Array> {
    const { sealed } = challenge ?? enrolment
    const purpose = challenge ? 'challenge' : factor.type
    return sealed ? vault.open({ subject: enrolment.subjectId, purpose, sealed }) : new Uint8Array()
  }

  return judge
}
