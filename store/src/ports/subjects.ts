import type { Subject, SubjectPort } from '@sallyport/core'
import { selectPage } from '../page.ts'
import { changed, one, type Sql, type SqlRow, type SqlValue } from '../sql.ts'

const columns = 's.id, s.application, s.ref, s.email, s.role, s.company, s.created_at'

export function subjectPort(sql: Sql): SubjectPort {
  return {
    async insert(subject, aliases) {
      const { id, application, ref, email, role, company, createdAt } = subject
      await sql.run(
        `INSERT INTO subjects (id, application, ref, email, role, company, created_at)
         VALUES (?, ?, ?, ?, ?, ?, ?)`,
        [id, application, ref, email, role, company, createdAt],
      )
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

    async update(id, change) {
      const entries = (['email', 'role', 'company'] as const).filter((name) => change[name] !== undefined)
      const set = entries.length > 0 ? entries.map((name) => `${name} = ?`).join(', ') : 'id = id'
      return changed(sql, `UPDATE subjects SET ${set} WHERE id = ?`, [
        ...entries.map((name) => change[name] as SqlValue),
        id,
      ])
    },

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

    async erase(id) {
      await sql.run('DELETE FROM attempts WHERE subject_id = ?', [id])
      await sql.run(
        `DELETE FROM guesses WHERE key = ?
         OR key IN (SELECT 'confirm:' || id FROM enrolments WHERE subject_id = ?)`,
        [`subject:${id}`, id],
      )
      // Aliases and enrolments go with their subject (ON DELETE CASCADE).
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
    role: row.role as string,
    company: row.company as string | null,
    createdAt: row.created_at as number,
  }
}
