import type { Resealable, SealedSecret } from '../store.ts'

/** What a person is told by mail. `kind` chooses the text; `facts` fill it in. */
export interface Letter {
  to: string
  kind:
    | 'code'
    | 'password_reset'
    | 'invitation'
    | 'enrolment_link'
    | 'factor_added'
    | 'factor_removed'
    | 'factor_locked'
    | 'backup_codes_regenerated'
    | 'wrong_factor'
    | 'new_place'
    | 'password_changed'
    | 'device_trusted'
    | 'device_copied'
  facts: Readonly<Record<string, string>>
}

/**
 * A letter waiting to be sent. Sealed as a whole, for the subject `outbox` with the purpose `letter`: codes
 * and links must not lie in the database in the clear.
 */
export interface OutboxRow {
  id: string
  subjectId: string | null
  sealed: SealedSecret
  createdAt: number
  /** Not before; moved on after each failure. */
  dueAt: number
  /** After this it is dropped, and the loss recorded: a code that came too late helps nobody. */
  expiresAt: number
  failures: number
}

export interface OutboxPort extends Resealable {
  insert(row: OutboxRow): Promise<void>
  /** Due ones, oldest first, claimed by this caller until `until` so that no other node sends them meanwhile. */
  claim(now: number, until: number, limit: number): Promise<OutboxRow[]>
  /** Sent, or dropped. */
  remove(id: string): Promise<boolean>
  /** To be tried again. */
  postpone(id: string, dueAt: number): Promise<boolean>
  count(): Promise<number>
}

/**
 * What carries a letter out. Throws when it could not be handed over: `mail_refused` when it never will be,
 * anything else when it may be tried again. Gives up when `deadline` is aborted.
 */
export interface Mailer {
  send(letter: { to: string; subject: string; text: string }, deadline: AbortSignal): Promise<void>
}
