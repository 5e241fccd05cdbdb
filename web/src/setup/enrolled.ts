import type { Answer, Client } from '@sallyport/sdk'
import type { Mailed } from '../sign-in/mailed.ts'

export type Enrolled = Answer<'POST /auth/mfa/enroll/verify'>

/** What every way of enrolling is handed. */
export interface SetupStepProps {
  client: Client
  /** Whose account it is, where the page knows. */
  email: string | null
  /** The last code that was mailed to confirm the address. */
  mailed: Mailed
  /** The factor is enrolled; `backupCodes` are those that came with it, if any did. */
  onEnrolled(enrolled: Enrolled, backupCodes: readonly string[]): void
}
