-- Column types are INTEGER, REAL, TEXT and BLOB only; times are milliseconds since the Unix epoch.

CREATE TABLE meta (
  key TEXT PRIMARY KEY,
  value TEXT NOT NULL
) WITHOUT ROWID;

-- doc: names, phone, fields, tags and lists as one JSON text; own_changes: a JSON array or ''.
CREATE TABLE contact (
  id INTEGER PRIMARY KEY,
  email TEXT,
  doc TEXT NOT NULL,
  own_changes TEXT NOT NULL,
  version INTEGER NOT NULL,
  changed_at INTEGER NOT NULL,
  updated_at INTEGER,
  event_at INTEGER,
  as_of INTEGER NOT NULL,
  pulled_at INTEGER,
  confirmed INTEGER NOT NULL,
  deleted_at INTEGER
);
-- Counts contacts, and finds the deleted ones, without touching their documents.
CREATE INDEX contact_deleted ON contact (deleted_at);

CREATE TABLE email_owner (
  email TEXT PRIMARY KEY,
  contact_id INTEGER NOT NULL
) WITHOUT ROWID;

CREATE TABLE contact_tag (
  tag_id INTEGER NOT NULL,
  contact_id INTEGER NOT NULL,
  PRIMARY KEY (tag_id, contact_id)
) WITHOUT ROWID;

CREATE TABLE credential (
  contact_id INTEGER PRIMARY KEY,
  kind INTEGER NOT NULL,
  origin INTEGER NOT NULL,
  hash BLOB,
  source BLOB,
  changed_at INTEGER NOT NULL
);

-- state: 0 waiting, 1 queued, 2 running; 3 done, 4 refused, 5 dead, 6 dropped.
CREATE TABLE job (
  id INTEGER PRIMARY KEY,
  kind TEXT NOT NULL,
  lane INTEGER NOT NULL,
  state INTEGER NOT NULL,
  contact_id INTEGER,
  key TEXT NOT NULL,
  payload TEXT NOT NULL,
  sealed BLOB,
  result TEXT NOT NULL,
  reason TEXT NOT NULL,
  after_id INTEGER NOT NULL,
  attempts INTEGER NOT NULL,
  created_at INTEGER NOT NULL,
  due_at INTEGER NOT NULL,
  lease_until INTEGER NOT NULL,
  ended_at INTEGER
);
CREATE INDEX job_due ON job (state, lane, due_at);
CREATE UNIQUE INDEX job_open_key ON job (kind, key) WHERE state < 3 AND key <> '';
CREATE INDEX job_open_contact ON job (contact_id, kind) WHERE state < 3;
CREATE INDEX job_waiting ON job (after_id) WHERE state = 0;
CREATE INDEX job_ended ON job (ended_at) WHERE state >= 3;

-- state: 0 open, 1 working (under sweep_id), 2 closed.
CREATE TABLE gap (
  id INTEGER PRIMARY KEY,
  why TEXT NOT NULL,
  is_full INTEGER NOT NULL,
  from_at INTEGER NOT NULL,
  to_at INTEGER NOT NULL,
  opened_at INTEGER NOT NULL,
  state INTEGER NOT NULL,
  sweep_id INTEGER NOT NULL,
  closed_at INTEGER
);
CREATE UNIQUE INDEX gap_open ON gap (why) WHERE state = 0;
CREATE INDEX gap_state ON gap (state, closed_at);

-- state: 0 running, 1 done, 2 given up.
CREATE TABLE sweep (
  id INTEGER PRIMARY KEY,
  is_full INTEGER NOT NULL,
  since INTEGER,
  started_at INTEGER NOT NULL,
  last_id INTEGER NOT NULL,
  newest INTEGER,
  calls INTEGER NOT NULL,
  seen INTEGER NOT NULL,
  differed INTEGER NOT NULL,
  expected INTEGER NOT NULL,
  state INTEGER NOT NULL,
  holder TEXT NOT NULL,
  lease_until INTEGER NOT NULL,
  reason TEXT NOT NULL,
  ended_at INTEGER
);
CREATE UNIQUE INDEX sweep_running ON sweep (state) WHERE state = 0;

-- Contacts that the last full sweep did not see and that are still to be looked at.
CREATE TABLE absent (contact_id INTEGER PRIMARY KEY);

CREATE TABLE delivery (
  id INTEGER PRIMARY KEY,
  received_at INTEGER NOT NULL,
  route TEXT NOT NULL,
  event_type TEXT NOT NULL,
  digest BLOB,
  contact_id INTEGER,
  email TEXT NOT NULL,
  follow_up TEXT NOT NULL,
  status TEXT NOT NULL,
  request_id TEXT NOT NULL
);
-- Only what can make a later call a duplicate.
CREATE INDEX delivery_digest ON delivery (digest, received_at)
  WHERE follow_up <> '' AND status = 'accepted';

CREATE TABLE audit (
  id INTEGER PRIMARY KEY,
  at INTEGER NOT NULL,
  actor TEXT NOT NULL,
  action TEXT NOT NULL,
  contact_id INTEGER,
  detail TEXT NOT NULL,
  request_id TEXT NOT NULL
);

CREATE TABLE session (
  digest BLOB PRIMARY KEY,
  contact_id INTEGER NOT NULL,
  via TEXT NOT NULL,
  created_at INTEGER NOT NULL,
  used_at INTEGER NOT NULL,
  expires_at INTEGER NOT NULL
) WITHOUT ROWID;
CREATE INDEX session_contact ON session (contact_id);

CREATE TABLE api_key (
  id INTEGER PRIMARY KEY,
  name TEXT NOT NULL,
  prefix TEXT NOT NULL,
  digest BLOB,
  scopes TEXT NOT NULL,
  created_at INTEGER NOT NULL,
  revoked_at INTEGER
);
CREATE UNIQUE INDEX api_key_name ON api_key (name) WHERE revoked_at IS NULL;

CREATE TABLE code (
  id INTEGER PRIMARY KEY,
  name TEXT NOT NULL,
  key_id TEXT NOT NULL,
  digest BLOB,
  purposes TEXT NOT NULL,
  is_short INTEGER NOT NULL,
  created_at INTEGER NOT NULL,
  revoked_at INTEGER
);
CREATE UNIQUE INDEX code_name ON code (name) WHERE revoked_at IS NULL;

CREATE TABLE throttle (
  key BLOB PRIMARY KEY,
  failures INTEGER NOT NULL,
  first_failure_at INTEGER NOT NULL,
  last_failure_at INTEGER NOT NULL,
  succeeded_at INTEGER,
  active_at INTEGER NOT NULL
) WITHOUT ROWID;
CREATE INDEX throttle_active ON throttle (active_at);

CREATE TABLE tag (id INTEGER PRIMARY KEY, name TEXT NOT NULL);
CREATE TABLE automation (id INTEGER PRIMARY KEY, name TEXT NOT NULL);
CREATE TABLE list (id INTEGER PRIMARY KEY, name TEXT NOT NULL);
CREATE TABLE field (id INTEGER PRIMARY KEY, perstag TEXT NOT NULL, title TEXT NOT NULL);

-- Ids rise in the order of commits. The newest row is never pruned, so that none comes twice.
CREATE TABLE change (
  id INTEGER PRIMARY KEY,
  kind INTEGER NOT NULL,
  ref INTEGER NOT NULL,
  at INTEGER NOT NULL
);

-- erasure: the same for all digests of one erasure.
CREATE TABLE tombstone (
  digest BLOB PRIMARY KEY,
  at INTEGER NOT NULL,
  erasure INTEGER NOT NULL
) WITHOUT ROWID;

-- request: digest of method, path and body.
CREATE TABLE idempotency (
  api_key_id INTEGER NOT NULL,
  key TEXT NOT NULL,
  request BLOB,
  job_id INTEGER NOT NULL,
  created_at INTEGER NOT NULL,
  PRIMARY KEY (api_key_id, key)
) WITHOUT ROWID;
CREATE INDEX idempotency_created ON idempotency (created_at);

CREATE TABLE link (
  digest BLOB PRIMARY KEY,
  contact_id INTEGER NOT NULL,
  created_at INTEGER NOT NULL,
  expires_at INTEGER NOT NULL,
  used_at INTEGER
) WITHOUT ROWID;

-- sends: the last instants, by comma, oldest first.
CREATE TABLE budget (
  id INTEGER PRIMARY KEY CHECK (id = 1),
  sends TEXT NOT NULL,
  next_slot INTEGER NOT NULL,
  frozen_until INTEGER NOT NULL
);

-- What the status page draws.
CREATE TABLE history (
  series TEXT NOT NULL,
  at INTEGER NOT NULL,
  value REAL NOT NULL,
  PRIMARY KEY (series, at)
) WITHOUT ROWID;
