import type { Subject, SubjectPort } from '@sallyport/core'
import { selectPage } from '../page.ts'
import { changed, count, one, type Sql, type SqlRow, type SqlValue, updateNamed } from '../sql.ts'

const names = [
  'id',
  'application',
  'ref',
  'email',
  'email_verified_at',
  'role',
  'company',
  'created_at',
  'disabled_at',
  'required_since',
  'password_reset_at',
]
const columns = names.map((name) => `s.${name}`).join(', ')

const updatable = {
  table: 'subjects',
  key: 'id',
  columns: {
    email: 'email',
    emailVerifiedAt: 'email_verified_at',
    role: 'role',
    company: 'company',
    disabledAt: 'disabled_at',
    requiredSince: 'required_since',
    passwordResetAt: 'password_reset_at',
  },
}

export function subjectPort(sql: Sql): SubjectPort {
  return {
    async insert(subject, aliases) {
      const { id, application } = subject
      await sql.run(`INSERT INTO subjects (${names.join(', ')}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`, [
        id,
        application,
        subject.ref,
        subject.email,
        subject.emailVerifiedAt,
        subject.role,
        subject.company,
        subject.createdAt,
        subject.disabledAt,
        subject.requiredSince,
        subject.passwordResetAt,
      ])
      // One order for all, so that two nodes inserting the same names wait for, and never deadlock, each other.
      for (const alias of [...new Set(aliases)].sort()) {
        const free = await changed(
          sql,
          'INSERT INTO aliases (application, alias, subject_id) VALUES (?, ?, ?) ON CONFLICT DO NOTHING',
          [application, alias, id],
        )
        if (!free) {
          await sql.run('DELETE FROM subjects WHERE id = ?', [id])
          return false
        }
      }
      return true
    },

    async find(id) {
      const row = await one(sql, `SELECT ${columns} FROM subjects s WHERE s.id = ?`, [id])
      return row && toSubject(row)
    },

    async findByAlias(application, alias) {
      const row = await one(
        sql,
        `SELECT ${columns} FROM aliases a JOIN subjects s ON s.id = a.subject_id
         WHERE a.application = ? AND a.alias = ?`,
        [application, alias],
      )
      return row && toSubject(row)
    },

    update: (id, change) => updateNamed(sql, updatable, [id, change]),

    // True for a name the subject has already: asked twice, the answer is the same.
    addAlias: (id, alias) =>
      changed(
        sql,
        `INSERT INTO aliases (application, alias, subject_id)
         SELECT application, ?, id FROM subjects WHERE id = ?
         ON CONFLICT (application, alias) DO UPDATE SET alias = excluded.alias
         WHERE aliases.subject_id = excluded.subject_id`,
        [alias, id],
      ),

    removeAlias: (id, alias) =>
      changed(sql, 'DELETE FROM aliases WHERE subject_id = ? AND alias = ?', [id, alias]),

    async aliases(id) {
      const rows = await sql.all('SELECT alias FROM aliases WHERE subject_id = ? ORDER BY alias', [id])
      return rows.map((row) => row.alias as string)
    },

    count: (application, { role } = {}) =>
      role === undefined
        ? count(sql, 'SELECT count(*) AS count FROM subjects WHERE application = ?', [application])
        : count(sql, 'SELECT count(*) AS count FROM subjects WHERE application = ? AND role = ?', [
            application,
            role,
          ]),

    list(application, { search, role, ...page }) {
      const where = ['s.application = ?']
      const values: SqlValue[] = [application]
      if (role !== undefined) {
        where.push('s.role = ?')
        values.push(role)
      }
      if (search !== undefined) {
        where.push(`EXISTS (SELECT 1 FROM aliases a WHERE a.subject_id = s.id AND a.alias LIKE ? ESCAPE '!')`)
        values.push(`%${search.toLowerCase().replace(/[!%_]/g, '!$&')}%`)
      }
      const select = `SELECT ${columns} FROM subjects s`
      return selectPage(sql, page, { select, where, values, order: ['ref', 'id'], map: toSubject })
    },

    async standings(application, after, limit) {
      const rows = await sql.all(
        `SELECT s.id, s.role, s.required_since, (SELECT min(COALESCE(e.confirmed_at, e.created_at)) FROM enrolments e
           WHERE e.subject_id = s.id AND e.status = 'active' AND e.factor NOT IN ('password', 'backup')) AS enrolled_at
         FROM subjects s WHERE s.application = ? AND s.id > ? AND s.disabled_at IS NULL ORDER BY s.id LIMIT ?`,
        [application, after, limit],
      )
      return rows.map((row) => ({
        id: row.id as string,
        role: row.role as string,
        requiredSince: row.required_since as number | null,
        enrolledAt: row.enrolled_at as number | null,
      }))
    },

    async erase(id, at) {
      // Locked first: a session that is opened at this moment waits, and then has no subject to belong to.
      await sql.all(`SELECT id FROM subjects WHERE id = ?${sql.forUpdate}`, [id])
      await sql.run('DELETE FROM attempts WHERE subject_id = ?', [id])
      // The keys of wrong passwords end in the address they came from; `A` is the character after `@`.
      await sql.run(
        `DELETE FROM guesses WHERE key = ? OR key = ? OR (key >= ? AND key < ?)
         OR key IN (SELECT 'confirm:' || id FROM enrolments WHERE subject_id = ?)`,
        [`subject:${id}`, `reset:${id}`, `password:${id}@`, `password:${id}A`, id],
      )
      await sql.run(
        'DELETE FROM refresh_tokens WHERE session_id IN (SELECT id FROM sessions WHERE subject_id = ?)',
        [id],
      )
      await sql.run(
        `UPDATE sessions SET revoked_at = COALESCE(revoked_at, ?), address = NULL, user_agent = NULL
         WHERE subject_id = ?`,
        [at, id],
      )
      // The rest goes with its subject (ON DELETE CASCADE).
      return changed(sql, 'DELETE FROM subjects WHERE id = ?', [id])
    },
  }
}

function toSubject(row: SqlRow): Subject {
  return {
    id: row.id as string,
    application: row.application as string,
    ref: row.ref as string,
    email: row.email as string | null,
    emailVerifiedAt: row.email_verified_at as number | null,
    role: row.role as string,
    company: row.company as string | null,
    createdAt: row.created_at as number,
    disabledAt: row.disabled_at as number | null,
    requiredSince: row.required_since as number | null,
    passwordResetAt: row.password_reset_at as number | null,
  }
}
