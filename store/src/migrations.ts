/** Where the two databases spell the same thing differently. */
export interface SchemaDialect {
  integer: string
  bytes: string
  /** Text that is compared byte by byte whatever the database's language. */
  keyText: string
  /** A primary key that the database counts up by itself and never uses again. */
  counted: string
  /** What ends a table, and one that is looked up by its key only. */
  table: string
  keyedTable: string
}

export interface Migration {
  version: number
  statements(dialect: SchemaDialect): string[]
}

/** Numbered, forward only. One that was released is never edited: what follows it goes into the next. */
export const migrations: readonly Migration[] = [
  { version: 1, statements: firstSchema },
  { version: 2, statements: trustedDevices },
  { version: 3, statements: siemSpool },
  { version: 4, statements: yubikeys },
  { version: 5, statements: signIns },
  { version: 6, statements: threats },
  { version: 7, statements: credentials },
  { version: 8, statements: bundles },
]

function firstSchema({ integer, bytes, keyText, table, keyedTable }: SchemaDialect): string[] {
  return [
    `CREATE TABLE subjects (
      id TEXT PRIMARY KEY,
      application TEXT NOT NULL,
      ref TEXT NOT NULL,
      email TEXT,
      email_verified_at ${integer},
      role TEXT NOT NULL,
      company TEXT,
      created_at ${integer} NOT NULL,
      disabled_at ${integer},
      required_since ${integer},
      password_reset_at ${integer}
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
    `CREATE TABLE challenges (
      id TEXT PRIMARY KEY,
      subject_id TEXT NOT NULL REFERENCES subjects (id) ON DELETE CASCADE,
      factor TEXT NOT NULL,
      key_id TEXT NOT NULL,
      sealed ${bytes} NOT NULL,
      created_at ${integer} NOT NULL,
      expires_at ${integer} NOT NULL,
      tries_left ${integer} NOT NULL,
      ended_at ${integer}
    )${table}`,
    'CREATE UNIQUE INDEX challenges_open ON challenges (subject_id, factor) WHERE ended_at IS NULL',
    'CREATE INDEX challenges_by_subject ON challenges (subject_id, factor, created_at)',
    'CREATE INDEX challenges_by_key ON challenges (key_id)',
    'CREATE INDEX challenges_by_expiry ON challenges (expires_at)',
    // An erased subject's sessions stay, revoked and nobody's: that is how other nodes hear that they ended.
    `CREATE TABLE sessions (
      id TEXT PRIMARY KEY,
      subject_id TEXT REFERENCES subjects (id) ON DELETE SET NULL,
      kind TEXT NOT NULL,
      created_at ${integer} NOT NULL,
      expires_at ${integer} NOT NULL,
      auth_time ${integer} NOT NULL,
      proved_at ${integer},
      factors TEXT NOT NULL,
      address TEXT,
      user_agent TEXT,
      revoked_at ${integer}
    )${table}`,
    'CREATE INDEX sessions_by_subject ON sessions (subject_id, created_at, id)',
    'CREATE INDEX sessions_by_expiry ON sessions (expires_at)',
    'CREATE INDEX sessions_by_revocation ON sessions (revoked_at) WHERE revoked_at IS NOT NULL',
    `CREATE TABLE refresh_tokens (
      hash TEXT PRIMARY KEY,
      session_id TEXT NOT NULL REFERENCES sessions (id) ON DELETE CASCADE,
      created_at ${integer} NOT NULL,
      expires_at ${integer} NOT NULL,
      used_at ${integer}
    )${table}`,
    'CREATE INDEX refresh_tokens_by_session ON refresh_tokens (session_id)',
    'CREATE INDEX refresh_tokens_by_expiry ON refresh_tokens (expires_at)',
    `CREATE TABLE tickets (
      hash TEXT PRIMARY KEY,
      purpose TEXT NOT NULL,
      subject_id TEXT REFERENCES subjects (id) ON DELETE CASCADE,
      issued_by TEXT NOT NULL,
      reason TEXT,
      created_at ${integer} NOT NULL,
      expires_at ${integer} NOT NULL,
      used_at ${integer}
    )${table}`,
    'CREATE INDEX tickets_by_subject ON tickets (subject_id, purpose)',
    'CREATE INDEX tickets_by_expiry ON tickets (expires_at)',
    `CREATE TABLE outbox (
      id TEXT PRIMARY KEY,
      subject_id TEXT REFERENCES subjects (id) ON DELETE CASCADE,
      key_id TEXT NOT NULL,
      sealed ${bytes} NOT NULL,
      created_at ${integer} NOT NULL,
      due_at ${integer} NOT NULL,
      expires_at ${integer} NOT NULL,
      failures ${integer} NOT NULL
    )${table}`,
    'CREATE INDEX outbox_by_due ON outbox (due_at)',
    'CREATE INDEX outbox_by_subject ON outbox (subject_id)',
    'CREATE INDEX outbox_by_key ON outbox (key_id)',
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
    `CREATE TABLE companies (name TEXT PRIMARY KEY, created_at ${integer} NOT NULL)${table}`,
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

function trustedDevices({ integer, table, keyedTable }: SchemaDialect): string[] {
  return [
    `CREATE TABLE devices (
      id TEXT PRIMARY KEY,
      subject_id TEXT NOT NULL REFERENCES subjects (id) ON DELETE CASCADE,
      browser TEXT NOT NULL,
      basis TEXT NOT NULL,
      address TEXT,
      created_at ${integer} NOT NULL,
      last_used_at ${integer} NOT NULL,
      expires_at ${integer} NOT NULL,
      revoked_at ${integer}
    )${table}`,
    'CREATE INDEX devices_by_subject ON devices (subject_id, created_at)',
    'CREATE INDEX devices_by_expiry ON devices (expires_at)',
    `CREATE TABLE device_tokens (
      hash TEXT PRIMARY KEY,
      device_id TEXT NOT NULL REFERENCES devices (id) ON DELETE CASCADE,
      used_at ${integer}
    )${keyedTable}`,
    'CREATE INDEX device_tokens_by_device ON device_tokens (device_id)',
  ]
}

function siemSpool({ integer, counted, table }: SchemaDialect): string[] {
  return [
    `CREATE TABLE siem_spool (
      seq ${counted},
      lane TEXT NOT NULL,
      event_id TEXT NOT NULL,
      event TEXT NOT NULL
    )${table}`,
    'CREATE INDEX siem_spool_by_lane ON siem_spool (lane, seq)',
    `CREATE TABLE siem_shipper (
      id ${integer} PRIMARY KEY,
      holder TEXT NOT NULL,
      held_until ${integer} NOT NULL,
      state TEXT,
      dropped ${integer} NOT NULL
    )${table}`,
    "INSERT INTO siem_shipper (id, holder, held_until, dropped) VALUES (1, '', 0, 0)",
  ]
}

function yubikeys({ integer, bytes, table }: SchemaDialect): string[] {
  return [
    `CREATE TABLE yubikeys (
      public_id TEXT PRIMARY KEY,
      serial TEXT,
      key_id TEXT NOT NULL,
      sealed ${bytes} NOT NULL,
      imported_at ${integer} NOT NULL
    )${table}`,
    'CREATE INDEX yubikeys_by_key ON yubikeys (key_id)',
    `CREATE TABLE validation_clients (
      id TEXT PRIMARY KEY,
      name TEXT NOT NULL,
      key_id TEXT NOT NULL,
      sealed ${bytes} NOT NULL,
      created_at ${integer} NOT NULL
    )${table}`,
    'CREATE INDEX validation_clients_by_key ON validation_clients (key_id)',
  ]
}

function signIns({ integer, table }: SchemaDialect): string[] {
  return [
    `CREATE TABLE sign_ins (
      id TEXT PRIMARY KEY,
      subject_id TEXT NOT NULL REFERENCES subjects (id) ON DELETE CASCADE,
      at ${integer} NOT NULL,
      network TEXT NOT NULL,
      place TEXT,
      device TEXT NOT NULL,
      score ${integer} NOT NULL,
      reasons TEXT NOT NULL,
      completed_at ${integer}
    )${table}`,
    'CREATE INDEX sign_ins_by_subject ON sign_ins (subject_id, at)',
  ]
}

/** Threat events with their counts by the hour, blocks, and failed sign-ins by network. */
function threats({ integer, keyText, table, keyedTable }: SchemaDialect): string[] {
  return [
    `CREATE TABLE counters (name TEXT PRIMARY KEY, value ${integer} NOT NULL)${table}`,
    "INSERT INTO counters (name, value) VALUES ('threat_events', 0), ('blocks', 0)",
    `CREATE TABLE threat_events (
      id ${integer} PRIMARY KEY,
      at ${integer} NOT NULL,
      type TEXT NOT NULL,
      severity TEXT NOT NULL,
      address TEXT,
      network ${keyText},
      subject TEXT,
      application TEXT,
      details TEXT NOT NULL
    )${table}`,
    'CREATE INDEX threat_events_by_time ON threat_events (at)',
    'CREATE INDEX threat_events_by_type ON threat_events (type, id)',
    'CREATE INDEX threat_events_by_network ON threat_events (network, id)',
    'CREATE INDEX threat_events_by_subject ON threat_events (subject, id)',
    `CREATE TABLE threat_hours (
      hour ${integer} NOT NULL,
      type TEXT NOT NULL,
      count ${integer} NOT NULL,
      PRIMARY KEY (hour, type)
    )${keyedTable}`,
    `CREATE TABLE threat_networks (
      hour ${integer} NOT NULL,
      network ${keyText} NOT NULL,
      count ${integer} NOT NULL,
      PRIMARY KEY (hour, network)
    )${keyedTable}`,
    'CREATE INDEX threat_networks_by_count ON threat_networks (hour, count, network)',
    `CREATE TABLE blocks (
      id TEXT PRIMARY KEY,
      range TEXT NOT NULL,
      kind TEXT NOT NULL,
      reason TEXT NOT NULL,
      made_by TEXT NOT NULL,
      blocked_at ${integer} NOT NULL,
      blocked_until ${integer} NOT NULL,
      unblocked_at ${integer},
      auto_unblocked ${integer} NOT NULL,
      revision ${integer} NOT NULL
    )${table}`,
    'CREATE UNIQUE INDEX blocks_standing ON blocks (range, kind) WHERE unblocked_at IS NULL',
    'CREATE INDEX blocks_by_end ON blocks (blocked_until) WHERE unblocked_at IS NULL',
    'CREATE INDEX blocks_by_revision ON blocks (revision)',
    'CREATE INDEX blocks_by_age ON blocks (blocked_at, id)',
    'CREATE INDEX blocks_by_range ON blocks (range, blocked_at)',
    `CREATE TABLE address_failures (
      network ${keyText} PRIMARY KEY,
      at ${integer} NOT NULL,
      failures TEXT NOT NULL
    )${keyedTable}`,
    'CREATE INDEX address_failures_by_time ON address_failures (at)',
  ]
}

function credentials({ keyText, keyedTable }: SchemaDialect): string[] {
  return [
    `CREATE TABLE credentials (
      application TEXT NOT NULL,
      credential_id ${keyText} NOT NULL,
      enrolment_id TEXT NOT NULL REFERENCES enrolments (id) ON DELETE CASCADE,
      PRIMARY KEY (application, credential_id)
    )${keyedTable}`,
    'CREATE INDEX credentials_by_enrolment ON credentials (enrolment_id)',
  ]
}

/** Serial gates that bundles of technicians are made for, and what each technician has at each of them. */
function bundles({ integer, bytes, table }: SchemaDialect): string[] {
  return [
    `CREATE TABLE bundle_devices (
      device TEXT PRIMARY KEY,
      public_key TEXT NOT NULL,
      serial ${integer} NOT NULL,
      issued_at ${integer} NOT NULL
    )${table}`,
    `CREATE TABLE bundle_secrets (
      id TEXT PRIMARY KEY,
      device TEXT NOT NULL REFERENCES bundle_devices (device),
      technician TEXT NOT NULL,
      factor TEXT NOT NULL,
      key_id TEXT NOT NULL,
      sealed ${bytes} NOT NULL,
      created_at ${integer} NOT NULL,
      UNIQUE (device, technician, factor)
    )${table}`,
    'CREATE INDEX bundle_secrets_by_key ON bundle_secrets (key_id)',
  ]
}
