import type { CredentialPort } from '@sallyport/core'
import { changed, one, type Sql } from '../sql.ts'

export function credentialPort(sql: Sql): CredentialPort {
  return {
    insert: ({ application, id, enrolmentId }) =>
      changed(
        sql,
        `INSERT INTO credentials (application, credential_id, enrolment_id) VALUES (?, ?, ?)
         ON CONFLICT DO NOTHING`,
        [application, id, enrolmentId],
      ),

    async find(application, id) {
      const row = await one(
        sql,
        'SELECT enrolment_id FROM credentials WHERE application = ? AND credential_id = ?',
        [application, id],
      )
      return row && (row.enrolment_id as string)
    },
  }
}
