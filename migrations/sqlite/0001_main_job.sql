-- Ids are 16-byte blobs, times integer microseconds since the epoch (UTC), money integer minor units.
-- What belongs to a payout is keyed by (batch_id, row), not by its id: rows of a batch are worked on in their order, so that
-- what is written together stands together, and a commit touches a tenth of the pages.

CREATE TABLE settings (
    name  TEXT PRIMARY KEY,
    value BLOB NOT NULL
) STRICT;

CREATE TABLE organisations (
    id         BLOB PRIMARY KEY,
    name       TEXT NOT NULL UNIQUE,
    -- Rises whenever a list of the organisation changes: fences what was concluded from all of them.
    lists_seen INTEGER NOT NULL DEFAULT 0,
    created_at INTEGER NOT NULL
) STRICT;

CREATE TABLE members (
    id              BLOB PRIMARY KEY,
    organisation_id BLOB NOT NULL REFERENCES organisations (id),
    email           TEXT NOT NULL,
    role            TEXT NOT NULL,
    created_at      INTEGER NOT NULL,
    UNIQUE (organisation_id, email)
) STRICT;

CREATE TABLE keys (
    id              BLOB PRIMARY KEY,
    organisation_id BLOB NOT NULL REFERENCES organisations (id),
    member_id       BLOB REFERENCES members (id),
    role            TEXT NOT NULL,
    hash            BLOB NOT NULL UNIQUE,
    prefix          TEXT NOT NULL,
    created_at      INTEGER NOT NULL,
    revoked_at      INTEGER
) STRICT;

CREATE TABLE audit (
    organisation_id BLOB NOT NULL REFERENCES organisations (id),
    sequence        INTEGER NOT NULL,
    at              INTEGER NOT NULL,
    actor           TEXT NOT NULL,
    act             TEXT NOT NULL,
    subject         BLOB,
    detail          TEXT NOT NULL,
    hash            BLOB NOT NULL,
    PRIMARY KEY (organisation_id, sequence)
) STRICT, WITHOUT ROWID;

CREATE TABLE idempotency_keys (
    organisation_id BLOB NOT NULL REFERENCES organisations (id),
    principal_id    BLOB NOT NULL,
    route           TEXT NOT NULL,
    key             TEXT NOT NULL,
    fingerprint     BLOB NOT NULL,
    answer          TEXT NOT NULL,
    created_at      INTEGER NOT NULL,
    PRIMARY KEY (organisation_id, principal_id, route, key)
) STRICT, WITHOUT ROWID;

-- The ledger. Balances are folded for wallets and holds only; of the others the transfers are the sum.
CREATE TABLE accounts (
    id              BLOB PRIMARY KEY,
    organisation_id BLOB NOT NULL REFERENCES organisations (id),
    kind            TEXT NOT NULL CHECK (kind IN ('funding', 'wallet', 'hold', 'settlement', 'fees', 'tax', 'suspense')),
    currency        TEXT NOT NULL,
    batch_id        BLOB,
    lane            TEXT,
    balance         INTEGER NOT NULL DEFAULT 0,
    CHECK (kind NOT IN ('wallet', 'hold') OR balance >= 0),
    CHECK (kind IN ('wallet', 'hold') OR balance = 0)
) STRICT, WITHOUT ROWID;

CREATE INDEX accounts_of_batch ON accounts (batch_id) WHERE batch_id IS NOT NULL;
CREATE INDEX accounts_wallets ON accounts (organisation_id) WHERE kind = 'wallet';
CREATE INDEX accounts_held ON accounts (organisation_id, currency) WHERE kind = 'hold' AND balance > 0;

CREATE TABLE transfers (
    position        INTEGER PRIMARY KEY AUTOINCREMENT,
    organisation_id BLOB NOT NULL,
    kind            TEXT NOT NULL CHECK (kind IN ('funding', 'reserve', 'receivable', 'paid', 'fee', 'tax', 'release', 'surplus',
                                                        'reversal', 'refund', 'sms')),
    debit_account   BLOB NOT NULL REFERENCES accounts (id),
    credit_account  BLOB NOT NULL REFERENCES accounts (id),
    amount          INTEGER NOT NULL CHECK (amount > 0),
    currency        TEXT NOT NULL,
    batch_id        BLOB,
    row             INTEGER,
    -- The payout, or in a batch of kind sms the message.
    payout_id       BLOB,
    attempt         INTEGER,
    reference       TEXT,
    created_at      INTEGER NOT NULL,
    CHECK (debit_account <> credit_account)
) STRICT;

CREATE UNIQUE INDEX transfers_once_per_attempt ON transfers (batch_id, row, attempt, kind) WHERE row IS NOT NULL;
CREATE UNIQUE INDEX transfers_funding_reference ON transfers (organisation_id, reference) WHERE kind = 'funding';

-- What touches a wallet, for its statement, and what a batch moved as a whole. The transfers that are many are in neither.
CREATE INDEX transfers_from_wallets ON transfers (debit_account, position) WHERE kind NOT IN ('paid', 'fee', 'tax', 'sms');
CREATE INDEX transfers_to_wallets ON transfers (credit_account, position) WHERE kind NOT IN ('paid', 'fee', 'tax', 'sms');
CREATE INDEX transfers_of_batches ON transfers (batch_id) WHERE row IS NULL AND batch_id IS NOT NULL;

CREATE TRIGGER transfers_are_never_changed BEFORE UPDATE ON transfers
BEGIN SELECT RAISE(ABORT, 'transfers are append-only: post a correcting transfer'); END;

CREATE TRIGGER transfers_are_never_deleted BEFORE DELETE ON transfers
BEGIN SELECT RAISE(ABORT, 'transfers are append-only: post a correcting transfer'); END;

-- The uploaded file as it came, in parts: what was approved can be shown again.
CREATE TABLE upload_parts (
    upload_id       BLOB NOT NULL,
    part            INTEGER NOT NULL,
    organisation_id BLOB NOT NULL REFERENCES organisations (id),
    data            BLOB NOT NULL,
    created_at      INTEGER NOT NULL,
    PRIMARY KEY (upload_id, part)
) STRICT;

CREATE INDEX upload_parts_by_age ON upload_parts (created_at, upload_id);

CREATE TABLE batches (
    id                 BLOB PRIMARY KEY,
    organisation_id    BLOB NOT NULL REFERENCES organisations (id),
    mode               TEXT NOT NULL CHECK (mode = 'live'),
    kind               TEXT NOT NULL CHECK (kind IN ('payout', 'sms')),
    name               TEXT NOT NULL,
    currency           TEXT NOT NULL,
    state              TEXT NOT NULL,
    due_at             INTEGER,
    claim              INTEGER NOT NULL DEFAULT 0,
    -- How often its import was begun.
    imports            INTEGER NOT NULL DEFAULT 0,
    notify             INTEGER NOT NULL,
    sms_template       TEXT,
    mapping            TEXT,
    mapping_source     TEXT CHECK (mapping_source IN ('given', 'remembered', 'recognised')),
    source             TEXT,
    read_bytes         INTEGER,
    file_bytes         INTEGER,
    scheduled_at       INTEGER,
    declared_total     INTEGER,
    declared_count     INTEGER,
    file_name          TEXT NOT NULL,
    upload_id          BLOB NOT NULL,
    fingerprint        BLOB NOT NULL,
    file_hash          BLOB NOT NULL,
    -- Null when a correction has made it stale.
    digest             TEXT,
    -- Rises with every correction.
    revision           INTEGER NOT NULL DEFAULT 0,
    rows               INTEGER NOT NULL DEFAULT 0,
    valid              INTEGER NOT NULL DEFAULT 0,
    invalid            INTEGER NOT NULL DEFAULT 0,
    excluded           INTEGER NOT NULL DEFAULT 0,
    duplicates         INTEGER NOT NULL DEFAULT 0,
    warnings           INTEGER NOT NULL DEFAULT 0,
    amount             INTEGER NOT NULL DEFAULT 0,
    fees               INTEGER NOT NULL DEFAULT 0,
    tax                INTEGER NOT NULL DEFAULT 0,
    reserved           INTEGER NOT NULL DEFAULT 0,
    paid               INTEGER NOT NULL DEFAULT 0,
    released           INTEGER NOT NULL DEFAULT 0,
    rejection          TEXT,
    failure            TEXT,
    created_by         BLOB NOT NULL,
    created_by_label   TEXT NOT NULL,
    submitted_by       BLOB,
    approved_by        BLOB,
    approved_by_label  TEXT,
    created_at         INTEGER NOT NULL,
    approved_at        INTEGER,
    completed_at       INTEGER
) STRICT;

CREATE INDEX batches_of_organisation ON batches (organisation_id, created_at, id);
CREATE INDEX batches_due ON batches (state, due_at) WHERE due_at IS NOT NULL;
CREATE INDEX batches_sending ON batches (organisation_id, id) WHERE state IN ('running', 'cancelling', 'paused');
CREATE INDEX batches_of_upload ON batches (upload_id);

CREATE TRIGGER batch_states BEFORE UPDATE OF state ON batches
WHEN OLD.state <> NEW.state AND NOT (
       (OLD.state = 'importing' AND NEW.state IN ('ready', 'import_failed'))
    OR (OLD.state = 'ready' AND NEW.state IN ('awaiting_approval', 'cancelled'))
    OR (OLD.state = 'awaiting_approval' AND NEW.state IN ('ready', 'scheduled', 'running', 'cancelled'))
    OR (OLD.state = 'scheduled' AND NEW.state IN ('running', 'cancelled'))
    OR (OLD.state = 'running' AND NEW.state IN ('paused', 'completed', 'cancelling'))
    OR (OLD.state = 'paused' AND NEW.state IN ('running', 'cancelling'))
    OR (OLD.state = 'cancelling' AND NEW.state = 'cancelled')
    OR (OLD.state = 'completed' AND NEW.state = 'running'))
BEGIN SELECT RAISE(ABORT, 'a batch cannot take this step'); END;

CREATE TRIGGER batch_begins_importing BEFORE INSERT ON batches WHEN NEW.state <> 'importing'
BEGIN SELECT RAISE(ABORT, 'a batch begins as importing'); END;

-- What was approved is what is paid.
CREATE TRIGGER batch_terms BEFORE UPDATE OF organisation_id, kind, currency, notify, sms_template, scheduled_at, digest, amount, fees, tax
ON batches WHEN OLD.state NOT IN ('importing', 'ready')
BEGIN SELECT RAISE(ABORT, 'the terms of a batch are fixed once it is submitted'); END;

-- Which column is which, as uploads said, by the names of their header.
CREATE TABLE column_mappings (
    organisation_id BLOB NOT NULL REFERENCES organisations (id),
    fingerprint     BLOB NOT NULL,
    mapping         TEXT NOT NULL,
    given_at        INTEGER NOT NULL,
    PRIMARY KEY (organisation_id, fingerprint)
) STRICT, WITHOUT ROWID;

-- Rows and money per state, folded in the transaction of every change.
CREATE TABLE batch_tallies (
    batch_id BLOB NOT NULL REFERENCES batches (id),
    state    TEXT NOT NULL,
    rows     INTEGER NOT NULL CHECK (rows >= 0),
    amount   INTEGER NOT NULL CHECK (amount >= 0),
    total    INTEGER NOT NULL CHECK (total >= 0),
    PRIMARY KEY (batch_id, state)
) STRICT, WITHOUT ROWID;

CREATE TABLE issues (
    batch_id BLOB NOT NULL REFERENCES batches (id),
    row      INTEGER NOT NULL,
    ordinal  INTEGER NOT NULL,
    column_name TEXT,
    code     TEXT NOT NULL,
    severity TEXT NOT NULL CHECK (severity IN ('error', 'warning')),
    message  TEXT NOT NULL,
    value    TEXT,
    PRIMARY KEY (batch_id, row, ordinal)
) STRICT, WITHOUT ROWID;

-- Rows of the file that are not paid, as uploaded or as corrected.
CREATE TABLE rejected_rows (
    batch_id  BLOB NOT NULL REFERENCES batches (id),
    row       INTEGER NOT NULL,
    reference TEXT,
    name      TEXT,
    msisdn    TEXT,
    amount    TEXT,
    cells     TEXT NOT NULL,
    -- Whether its maker set it aside, so that nothing is wrong with it.
    aside     INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (batch_id, row)
) STRICT, WITHOUT ROWID;

-- One recipient's transfer: the row is the job. What never changes and is not needed for sending stands in payout_details.
CREATE TABLE payouts (
    id              BLOB PRIMARY KEY,
    organisation_id BLOB NOT NULL,
    batch_id        BLOB NOT NULL REFERENCES batches (id),
    row             INTEGER NOT NULL,
    lane            TEXT NOT NULL,
    msisdn          TEXT NOT NULL,
    amount          INTEGER NOT NULL CHECK (amount > 0),
    fee             INTEGER NOT NULL CHECK (fee >= 0),
    tax             INTEGER NOT NULL CHECK (tax >= 0),
    currency        TEXT NOT NULL,
    state           TEXT NOT NULL,
    action          TEXT NOT NULL CHECK (action IN ('submit', 'query')),
    due_at          INTEGER,
    claim           INTEGER NOT NULL DEFAULT 0,
    -- Claims since the last record, and those that earlier panics have ended.
    claims          INTEGER NOT NULL DEFAULT 0,
    deaths          INTEGER NOT NULL DEFAULT 0,
    attempt         INTEGER NOT NULL DEFAULT 1,
    first_attempt   INTEGER NOT NULL DEFAULT 1,
    step            INTEGER NOT NULL DEFAULT 0,
    exposed         INTEGER NOT NULL DEFAULT 0,
    not_found       INTEGER NOT NULL DEFAULT 0,
    not_found_at    INTEGER,
    intended_at     INTEGER,
    sent_at         INTEGER,
    settled_at      INTEGER,
    reason_code     TEXT,
    reason          TEXT,
    transaction_id  TEXT,
    frozen_by       BLOB,
    created_at      INTEGER NOT NULL,
    UNIQUE (batch_id, row),
    CHECK (state NOT IN ('paid', 'failed', 'cancelled') OR due_at IS NULL)
) STRICT;

CREATE INDEX payouts_to_submit ON payouts (batch_id, lane, due_at, row) WHERE action = 'submit' AND due_at IS NOT NULL;
-- Who else pays the same to the same number.
CREATE INDEX payouts_by_number ON payouts (organisation_id, msisdn, amount);
CREATE INDEX payouts_to_query ON payouts (lane, due_at) WHERE action = 'query' AND due_at IS NOT NULL;
CREATE INDEX payouts_suspect ON payouts (lane, due_at) WHERE claims + deaths >= 2;

CREATE TRIGGER payout_states BEFORE UPDATE OF state ON payouts
WHEN OLD.state <> NEW.state AND NOT (
       (OLD.state = 'queued' AND NEW.state IN ('sending', 'cancelled', 'paid'))
    OR (OLD.state = 'sending' AND NEW.state IN ('accepted', 'unknown', 'paid', 'queued', 'failed'))
    OR (OLD.state = 'accepted' AND NEW.state IN ('unknown', 'paid', 'queued', 'failed'))
    OR (OLD.state = 'unknown' AND NEW.state IN ('sending', 'paid', 'queued', 'failed'))
    OR (OLD.state = 'failed' AND NEW.state IN ('queued', 'paid'))
    OR (OLD.state = 'cancelled' AND NEW.state = 'paid'))
BEGIN SELECT RAISE(ABORT, 'a payout cannot take this step'); END;

CREATE TRIGGER payout_begins_queued BEFORE INSERT ON payouts WHEN NEW.state <> 'queued'
BEGIN SELECT RAISE(ABORT, 'a payout begins as queued'); END;

CREATE TRIGGER payout_terms BEFORE UPDATE OF id, organisation_id, batch_id, row, lane, msisdn, amount, fee, tax, currency ON payouts
BEGIN SELECT RAISE(ABORT, 'whom a payout pays, and how much, never changes'); END;

CREATE TRIGGER payouts_are_kept BEFORE DELETE ON payouts
WHEN (SELECT b.state FROM batches b WHERE b.id = OLD.batch_id) NOT IN ('importing', 'ready')
BEGIN SELECT RAISE(ABORT, 'the rows of a batch are fixed once it is submitted'); END;

CREATE TRIGGER payouts_are_added_before BEFORE INSERT ON payouts
WHEN (SELECT b.state FROM batches b WHERE b.id = NEW.batch_id) NOT IN ('importing', 'ready')
BEGIN SELECT RAISE(ABORT, 'the rows of a batch are fixed once it is submitted'); END;

CREATE TABLE payout_details (
    batch_id  BLOB NOT NULL,
    row       INTEGER NOT NULL,
    name      TEXT NOT NULL,
    reference TEXT,
    network   TEXT,
    note      TEXT,
    variables TEXT NOT NULL,
    PRIMARY KEY (batch_id, row)
) STRICT, WITHOUT ROWID;

CREATE TRIGGER payout_details_are_fixed BEFORE UPDATE ON payout_details
BEGIN SELECT RAISE(ABORT, 'what is known of a recipient is replaced as a whole, and only before it is submitted'); END;

CREATE TRIGGER payout_details_are_kept BEFORE DELETE ON payout_details
WHEN (SELECT b.state FROM batches b WHERE b.id = OLD.batch_id) NOT IN ('importing', 'ready')
BEGIN SELECT RAISE(ABORT, 'the rows of a batch are fixed once it is submitted'); END;

CREATE TABLE attempts (
    batch_id    BLOB NOT NULL,
    row         INTEGER NOT NULL,
    attempt     INTEGER NOT NULL,
    reference   BLOB NOT NULL UNIQUE,
    lane        TEXT NOT NULL,
    state       TEXT NOT NULL CHECK (state IN ('open', 'succeeded', 'failed')),
    request     TEXT NOT NULL,
    sends       INTEGER NOT NULL,
    intended_at INTEGER NOT NULL,
    sent_at     INTEGER NOT NULL,
    answered_at INTEGER,
    http_status INTEGER,
    response    TEXT,
    outcome     TEXT,
    PRIMARY KEY (batch_id, row, attempt),
    FOREIGN KEY (batch_id, row) REFERENCES payouts (batch_id, row)
) STRICT, WITHOUT ROWID;

CREATE UNIQUE INDEX attempts_one_open ON attempts (batch_id, row) WHERE state = 'open';
CREATE UNIQUE INDEX attempts_one_success ON attempts (batch_id, row) WHERE state = 'succeeded';

-- In the order of the claim under which each thing happened.
CREATE TABLE payout_events (
    batch_id BLOB NOT NULL,
    row      INTEGER NOT NULL,
    claim    INTEGER NOT NULL,
    kind     TEXT NOT NULL,
    at       INTEGER NOT NULL,
    detail   TEXT,
    PRIMARY KEY (batch_id, row, claim, kind)
) STRICT, WITHOUT ROWID;

-- What only a person can settle. One proposes, another confirms.
CREATE TABLE exceptions (
    id                BLOB PRIMARY KEY,
    organisation_id   BLOB NOT NULL,
    batch_id          BLOB NOT NULL REFERENCES batches (id),
    payout_id         BLOB NOT NULL REFERENCES payouts (id),
    kind              TEXT NOT NULL,
    attempt           INTEGER NOT NULL,
    detail            TEXT NOT NULL,
    state             TEXT NOT NULL,
    opened_at         INTEGER NOT NULL,
    verdict           TEXT,
    note              TEXT,
    evidence_sha256   TEXT,
    transaction_id    TEXT,
    proposed_by       BLOB,
    proposed_by_label TEXT,
    proposed_at       INTEGER,
    resolution        TEXT,
    confirmed_by      BLOB CHECK (confirmed_by <> proposed_by),
    confirmed_by_label TEXT,
    resolved_at       INTEGER,
    CHECK (state <> 'proposed' OR (verdict IS NOT NULL AND proposed_by IS NOT NULL)),
    CHECK (state <> 'resolved' OR resolution IS NOT NULL),
    CHECK (state <> 'resolved' OR resolution = 'answered' OR (resolution = verdict AND confirmed_by IS NOT NULL))
) STRICT;

-- Of a kind and an attempt one at a time: what was settled may come up again in other words.
CREATE UNIQUE INDEX exceptions_once ON exceptions (payout_id, kind, attempt) WHERE state <> 'resolved';
CREATE INDEX exceptions_of_payout ON exceptions (payout_id);
CREATE INDEX exceptions_of_organisation ON exceptions (organisation_id, opened_at, id);
CREATE INDEX exceptions_unresolved ON exceptions (batch_id, payout_id) WHERE state <> 'resolved';

CREATE TRIGGER exception_states BEFORE UPDATE OF state ON exceptions
WHEN OLD.state <> NEW.state AND NOT (
       (OLD.state = 'open' AND NEW.state = 'proposed')
    OR (OLD.state IN ('open', 'proposed') AND NEW.state = 'resolved'))
BEGIN SELECT RAISE(ABORT, 'an exception cannot take this step'); END;

CREATE TRIGGER exception_begins_open BEFORE INSERT ON exceptions WHEN NEW.state <> 'open'
BEGIN SELECT RAISE(ABORT, 'an exception begins as open'); END;

CREATE TRIGGER exception_is_settled_once BEFORE UPDATE OF verdict, note, evidence_sha256, transaction_id, proposed_by,
                                                 resolution, confirmed_by ON exceptions WHEN OLD.state = 'resolved'
BEGIN SELECT RAISE(ABORT, 'an exception is settled once'); END;

CREATE TABLE messages (
    id              BLOB PRIMARY KEY,
    organisation_id BLOB NOT NULL,
    batch_id        BLOB NOT NULL REFERENCES batches (id),
    row             INTEGER NOT NULL,
    purpose         TEXT NOT NULL,
    lane            TEXT NOT NULL,
    msisdn          TEXT NOT NULL,
    text            TEXT,
    -- What it was priced as and costs; nobody is charged for a notice or a test.
    segments        INTEGER,
    cost            INTEGER NOT NULL DEFAULT 0 CHECK (cost >= 0),
    currency        TEXT NOT NULL,
    -- Tests of one row are told apart by it.
    copy            INTEGER NOT NULL DEFAULT 0,
    state           TEXT NOT NULL,
    due_at          INTEGER,
    claim           INTEGER NOT NULL DEFAULT 0,
    step            INTEGER NOT NULL DEFAULT 0,
    gateway_id      TEXT,
    reason_code     TEXT,
    reason          TEXT,
    created_at      INTEGER NOT NULL,
    sent_at         INTEGER,
    settled_at      INTEGER,
    UNIQUE (batch_id, row, purpose, copy),
    CHECK (purpose = 'bulk' OR cost = 0)
) STRICT;

-- Rows of a list wait in an index of their own, by batch: a list that is not approved costs the others nothing.
CREATE INDEX messages_due ON messages (lane, state, due_at)
WHERE due_at IS NOT NULL AND (purpose <> 'bulk' OR state <> 'queued');
CREATE INDEX messages_to_send ON messages (batch_id, lane, due_at, row)
WHERE purpose = 'bulk' AND state = 'queued' AND due_at IS NOT NULL;
CREATE INDEX messages_tests ON messages (batch_id, copy) WHERE purpose = 'test';

CREATE TRIGGER message_states BEFORE UPDATE OF state ON messages
WHEN OLD.state <> NEW.state AND NOT (
       (OLD.state = 'queued' AND NEW.state IN ('sending', 'cancelled'))
    OR (OLD.state = 'sending' AND NEW.state IN ('queued', 'submitted', 'rejected', 'unknown', 'delivered', 'undelivered'))
    OR (OLD.state = 'submitted' AND NEW.state IN ('delivered', 'undelivered', 'expired')))
BEGIN SELECT RAISE(ABORT, 'a message cannot take this step'); END;

CREATE TRIGGER message_begins_queued BEFORE INSERT ON messages WHEN NEW.state <> 'queued'
BEGIN SELECT RAISE(ABORT, 'a message begins as queued'); END;

-- Whom a message tells, and what it costs, never changes; nor does its text, once there is one.
CREATE TRIGGER message_terms
BEFORE UPDATE OF id, organisation_id, batch_id, row, purpose, copy, lane, msisdn, segments, cost, currency, text ON messages
WHEN OLD.text IS NOT NULL AND NEW.text IS NOT OLD.text
  OR NEW.id <> OLD.id OR NEW.organisation_id <> OLD.organisation_id OR NEW.batch_id <> OLD.batch_id OR NEW.row <> OLD.row
  OR NEW.purpose <> OLD.purpose OR NEW.copy <> OLD.copy OR NEW.lane <> OLD.lane OR NEW.msisdn <> OLD.msisdn
  OR NEW.segments IS NOT OLD.segments OR NEW.cost <> OLD.cost OR NEW.currency <> OLD.currency
BEGIN SELECT RAISE(ABORT, 'whom a message tells, what, and what it costs, never changes'); END;

-- What providers posted, raw. due_at is null once applied.
CREATE TABLE receipts (
    id              BLOB PRIMARY KEY,
    lane            TEXT NOT NULL,
    fingerprint     BLOB NOT NULL,
    reference       BLOB,
    token_reference BLOB,
    kept            TEXT,
    headers         TEXT NOT NULL,
    body            BLOB NOT NULL,
    state           TEXT NOT NULL CHECK (state IN ('received', 'applied', 'ignored')),
    result          TEXT,
    due_at          INTEGER,
    claim           INTEGER NOT NULL DEFAULT 0,
    claims          INTEGER NOT NULL DEFAULT 0,
    received_at     INTEGER NOT NULL,
    UNIQUE (lane, fingerprint)
) STRICT;

CREATE INDEX receipts_due ON receipts (due_at) WHERE due_at IS NOT NULL;
CREATE INDEX receipts_waiting ON receipts (reference) WHERE due_at IS NOT NULL;
