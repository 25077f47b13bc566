-- What was really paid, where two people found that it is not the amount.
ALTER TABLE payouts ADD COLUMN paid_amount INTEGER CHECK (paid_amount > 0 AND paid_amount <> amount);

CREATE TRIGGER payout_paid_amount_is_said_once BEFORE UPDATE OF paid_amount ON payouts
WHEN OLD.paid_amount IS NOT NULL OR NEW.state <> 'paid'
BEGIN SELECT RAISE(ABORT, 'what was really paid is said once, and only of what is paid'); END;

-- And what one of them says it is.
ALTER TABLE exceptions ADD COLUMN paid_amount INTEGER CHECK (paid_amount > 0);

DROP TRIGGER exception_is_settled_once;
CREATE TRIGGER exception_is_settled_once BEFORE UPDATE OF verdict, note, evidence_sha256, transaction_id, paid_amount, proposed_by,
                                                 resolution, confirmed_by ON exceptions WHEN OLD.state = 'resolved'
BEGIN SELECT RAISE(ABORT, 'an exception is settled once'); END;

-- A kind of transfer more: the table is made anew, because a check cannot be changed. Nothing else does.
CREATE TABLE transfers_anew (
    position        INTEGER PRIMARY KEY AUTOINCREMENT,
    organisation_id BLOB NOT NULL,
    kind            TEXT NOT NULL CHECK (kind IN ('funding', 'reserve', 'receivable', 'paid', 'fee', 'tax', 'release', 'surplus',
                                                        'difference', 'reversal', 'refund', 'sms')),
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

INSERT INTO transfers_anew (position, organisation_id, kind, debit_account, credit_account, amount, currency, batch_id, row,
                            payout_id, attempt, reference, created_at)
SELECT position, organisation_id, kind, debit_account, credit_account, amount, currency, batch_id, row, payout_id, attempt,
       reference, created_at
FROM transfers ORDER BY position;

DROP TABLE transfers;
ALTER TABLE transfers_anew RENAME TO transfers;

CREATE UNIQUE INDEX transfers_once_per_attempt ON transfers (batch_id, row, attempt, kind) WHERE row IS NOT NULL;
CREATE UNIQUE INDEX transfers_funding_reference ON transfers (organisation_id, reference) WHERE kind = 'funding';
CREATE INDEX transfers_from_wallets ON transfers (debit_account, position) WHERE kind NOT IN ('paid', 'fee', 'tax', 'sms');
CREATE INDEX transfers_to_wallets ON transfers (credit_account, position) WHERE kind NOT IN ('paid', 'fee', 'tax', 'sms');
CREATE INDEX transfers_of_batches ON transfers (batch_id) WHERE row IS NULL AND batch_id IS NOT NULL;

CREATE TRIGGER transfers_are_never_changed BEFORE UPDATE ON transfers
BEGIN SELECT RAISE(ABORT, 'transfers are append-only: post a correcting transfer'); END;

CREATE TRIGGER transfers_are_never_deleted BEFORE DELETE ON transfers
BEGIN SELECT RAISE(ABORT, 'transfers are append-only: post a correcting transfer'); END;
