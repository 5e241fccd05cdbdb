/** Where the two databases spell the same thing differently. */
export interface SchemaDialect {
  integer: string
  bytes: string
  /** Text that is compared byte by byte whatever the database's language. */
  keyText: string
  /** What ends a table, and one that is looked up by its key only. */
  table: string
  keyedTable: string
}

export interface Migration {
  version: number
  statements(dialect: SchemaDialect): string[]
}

/** Numbered, forward only. One that was released is never edited: what follows it goes into the next. */
export const migrations: readonly Migration[] = [{ version: 1, statements: firstSchema }]

function firstSchema({ integer, bytes, keyText, table, keyedTable }: SchemaDialect): string[] {
  return [
    `CREATE TABLE subjects (
      id TEXT PRIMARY KEY,
      application TEXT NOT NULL,
      ref TEXT NOT NULL,
      email TEXT,
      role TEXT NOT NULL,
      company TEXT,
      created_at ${integer} NOT NULL
    )${table}`,
    'CREATE INDEX subjects_by_ref ON subjects (application, ref, id)',
    'CREATE INDEX subjects_by_role ON subjects (application, role, ref, id)',
    `CREATE TABLE aliases (
      application TEXT NOT NULL,
      alias TEXT NOT NULL,
      subject_id TEXT NOT NULL REFERENCES subjects (id) ON DELETE CASCADE,
      PRIMARY KEY (application, alias)
    )${keyedTable}`,
    'CREATE INDEX aliases_by_subject ON aliases (subject_id)',
    `CREATE TABLE enrolments (
      id TEXT PRIMARY KEY,
      subject_id TEXT NOT NULL REFERENCES subjects (id) ON DELETE CASCADE,
      factor TEXT NOT NULL,
      name TEXT NOT NULL,
      status TEXT NOT NULL,
      key_id TEXT,
      sealed ${bytes},
      settings TEXT NOT NULL,
      created_at ${integer} NOT NULL,
      confirmed_at ${integer},
      revoked_at ${integer},
      last_used_at ${integer},
      expires_at ${integer}
    )${table}`,
    'CREATE INDEX enrolments_by_subject ON enrolments (subject_id, created_at, id)',
    'CREATE INDEX enrolments_by_key ON enrolments (key_id)',
    `CREATE TABLE attempts (
      id TEXT PRIMARY KEY,
      subject_id TEXT NOT NULL,
      revision ${integer} NOT NULL,
      expires_at ${integer} NOT NULL,
      body TEXT NOT NULL
    )${table}`,
    'CREATE INDEX attempts_by_subject ON attempts (subject_id)',
    'CREATE INDEX attempts_by_expiry ON attempts (expires_at)',
    `CREATE TABLE spent (key ${keyText} PRIMARY KEY)${keyedTable}`,
    `CREATE TABLE raised (key ${keyText} PRIMARY KEY, value ${integer} NOT NULL)${keyedTable}`,
    `CREATE TABLE guesses (key ${keyText} PRIMARY KEY, record TEXT)${keyedTable}`,
    `CREATE TABLE ledger (
      seq ${integer} PRIMARY KEY,
      hash TEXT NOT NULL,
      body TEXT NOT NULL,
      at ${integer} NOT NULL,
      type TEXT NOT NULL,
      subject TEXT
    )${table}`,
    'CREATE INDEX ledger_by_type ON ledger (type, seq)',
    'CREATE INDEX ledger_by_subject ON ledger (subject, seq)',
    'CREATE INDEX ledger_by_time ON ledger (at)',
    `CREATE TABLE ledger_head (
      id ${integer} PRIMARY KEY,
      ledger TEXT,
      seq ${integer},
      hash TEXT,
      at ${integer},
      signature TEXT
    )${table}`,
    'INSERT INTO ledger_head (id) VALUES (1)',
    `CREATE TABLE ledger_checkpoints (
      seq ${integer} PRIMARY KEY,
      ledger TEXT NOT NULL,
      hash TEXT NOT NULL,
      at ${integer} NOT NULL,
      signature TEXT NOT NULL
    )${table}`,
    `CREATE TABLE applications (
      name TEXT PRIMARY KEY,
      issuer TEXT NOT NULL,
      rp_id TEXT,
      origins TEXT NOT NULL,
      created_at ${integer} NOT NULL
    )${table}`,
    `CREATE TABLE api_keys (
      id TEXT PRIMARY KEY,
      application TEXT NOT NULL,
      name TEXT NOT NULL,
      hash TEXT NOT NULL UNIQUE,
      scopes TEXT NOT NULL,
      created_at ${integer} NOT NULL,
      revoked_at ${integer},
      last_used_at ${integer}
    )${table}`,
    'CREATE INDEX api_keys_by_age ON api_keys (created_at, id)',
    `CREATE TABLE secrets (name TEXT PRIMARY KEY, key_id TEXT NOT NULL, sealed ${bytes} NOT NULL)${table}`,
    'CREATE INDEX secrets_by_key ON secrets (key_id)',
    `CREATE TABLE vault_keys (
      id TEXT PRIMARY KEY,
      wrapped ${bytes},
      status TEXT NOT NULL,
      created_at ${integer} NOT NULL,
      retired_at ${integer}
    )${table}`,
    `CREATE TABLE settings (name TEXT PRIMARY KEY, value TEXT NOT NULL)${table}`,
    // Written by `check()`, which shows that the database takes writes.
    `CREATE TABLE health (id ${integer} PRIMARY KEY, checked_at ${integer} NOT NULL)${table}`,
    'INSERT INTO health (id, checked_at) VALUES (1, 0)',
  ]
}
