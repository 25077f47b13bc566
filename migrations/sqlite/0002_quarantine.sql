-- While a row stands here that was not lifted, nothing new is sent: see src/quarantine/mod.rs.
CREATE TABLE quarantines (
    id             INTEGER PRIMARY KEY AUTOINCREMENT,
    reason         TEXT NOT NULL,
    -- From when on the providers may have done what this database does not know.
    gap_from       INTEGER NOT NULL,
    -- The last transfer that a restored backup knows; null when an operator began it.
    backup_position INTEGER,
    began_at       INTEGER NOT NULL,
    lifted_at      INTEGER,
    note           TEXT,
    CHECK ((lifted_at IS NULL) = (note IS NULL))
) STRICT;

CREATE UNIQUE INDEX quarantines_stand_alone ON quarantines ((1)) WHERE lifted_at IS NULL;

CREATE TRIGGER quarantines_are_lifted_once BEFORE UPDATE ON quarantines WHEN OLD.lifted_at IS NOT NULL
BEGIN SELECT RAISE(ABORT, 'a quarantine is lifted once'); END;

CREATE TRIGGER quarantines_are_kept BEFORE DELETE ON quarantines
BEGIN SELECT RAISE(ABORT, 'quarantines are lifted, never deleted'); END;

-- How far the approved batches were gone through for rows to ask about.
CREATE TABLE quarantine_batches (
    quarantine INTEGER NOT NULL REFERENCES quarantines (id),
    batch_id   BLOB NOT NULL REFERENCES batches (id),
    through    INTEGER NOT NULL,
    swept      INTEGER NOT NULL CHECK (swept IN (0, 1)),
    PRIMARY KEY (quarantine, batch_id)
) STRICT, WITHOUT ROWID;

-- One attempt that a provider is asked about: due until it has said what it knows.
CREATE TABLE quarantine_enquiries (
    quarantine  INTEGER NOT NULL REFERENCES quarantines (id),
    batch_id    BLOB NOT NULL,
    row         INTEGER NOT NULL,
    attempt     INTEGER NOT NULL,
    lane        TEXT NOT NULL,
    due_at      INTEGER,
    claim       INTEGER NOT NULL DEFAULT 0,
    said        TEXT CHECK (said IN ('paid', 'accepted', 'failed', 'not_found')),
    -- Whether the attempt was missing here.
    missing     INTEGER NOT NULL DEFAULT 0,
    -- Why nothing was learnt, the last time that it was asked in vain.
    trouble     TEXT,
    answered_at INTEGER,
    PRIMARY KEY (quarantine, batch_id, row, attempt),
    FOREIGN KEY (batch_id, row) REFERENCES payouts (batch_id, row),
    CHECK ((said IS NULL) = (due_at IS NOT NULL))
) STRICT, WITHOUT ROWID;

CREATE INDEX quarantine_enquiries_due ON quarantine_enquiries (lane, due_at) WHERE said IS NULL;

-- Statements of providers, held against what we call paid.
CREATE TABLE quarantine_matches (
    quarantine INTEGER NOT NULL REFERENCES quarantines (id),
    at         INTEGER NOT NULL,
    lane       TEXT NOT NULL,
    file_hash  BLOB NOT NULL,
    lines      INTEGER NOT NULL,
    unknown    INTEGER NOT NULL,
    missing    INTEGER NOT NULL,
    differing  INTEGER NOT NULL,
    PRIMARY KEY (quarantine, lane, at)
) STRICT, WITHOUT ROWID;

-- What else is written once and stays.
CREATE TRIGGER audit_is_never_changed BEFORE UPDATE ON audit
BEGIN SELECT RAISE(ABORT, 'the audit trail is append-only'); END;

CREATE TRIGGER audit_is_never_deleted BEFORE DELETE ON audit
BEGIN SELECT RAISE(ABORT, 'the audit trail is append-only'); END;

-- Of an event that several people speak in, what they say is added behind what stands.
CREATE TRIGGER events_are_never_changed BEFORE UPDATE ON payout_events
WHEN NEW.batch_id <> OLD.batch_id OR NEW.row <> OLD.row OR NEW.claim <> OLD.claim OR NEW.kind <> OLD.kind OR NEW.at <> OLD.at
  OR OLD.detail IS NULL OR NEW.detail IS NULL OR substr(NEW.detail, 1, length(OLD.detail)) <> OLD.detail
BEGIN SELECT RAISE(ABORT, 'what happened to a payout is append-only'); END;

CREATE TRIGGER events_are_never_deleted BEFORE DELETE ON payout_events
BEGIN SELECT RAISE(ABORT, 'what happened to a payout is append-only'); END;

CREATE TRIGGER accounts_stay_what_they_are BEFORE UPDATE OF id, organisation_id, kind, currency, batch_id, lane ON accounts
BEGIN SELECT RAISE(ABORT, 'whose an account is, and of which kind, never changes'); END;

CREATE TRIGGER accounts_are_kept BEFORE DELETE ON accounts
BEGIN SELECT RAISE(ABORT, 'accounts are never deleted'); END;
