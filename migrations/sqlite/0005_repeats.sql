-- What a row of a list was told of other lists: which of them pay the same, each by its first such row.
CREATE TABLE told_duplicates (
    batch_id    BLOB NOT NULL REFERENCES batches (id),
    row         INTEGER NOT NULL,
    other_batch BLOB NOT NULL,
    other_row   INTEGER NOT NULL,
    PRIMARY KEY (batch_id, row, other_batch)
) STRICT, WITHOUT ROWID;

-- Payments that will be made, were made, or may have been: always those of an open list and those in doubt (standing), the
-- others by when their list was last paid from.
CREATE VIEW payments AS
SELECT p.organisation_id, p.msisdn, p.amount, p.currency, p.batch_id, p.row, b.name AS batch_name,
       b.created_at AS batch_created_at,
       (p.frozen_by IS NOT NULL OR b.state NOT IN ('completed', 'cancelled')) AS standing,
       MAX(COALESCE(b.completed_at, 0), COALESCE(p.settled_at, 0)) AS last_paid_at
FROM payouts p
JOIN batches b ON b.id = p.batch_id
WHERE b.state NOT IN ('importing', 'import_failed')
  AND (p.frozen_by IS NOT NULL
       -- What a list that is over left queued is given up.
       OR (p.state NOT IN ('failed', 'cancelled') AND (p.state <> 'queued' OR b.state NOT IN ('completed', 'cancelled'))));

-- The other row of the same list that an issue is about: corrected, it may be none any more.
ALTER TABLE issues ADD COLUMN other_row INTEGER;
UPDATE issues SET other_row = CAST(substr(message, 5) AS INTEGER)
WHERE code IN ('duplicate_reference', 'duplicate_payment', 'repeated_number', 'duplicate_message');
CREATE INDEX issues_about ON issues (batch_id, other_row) WHERE other_row IS NOT NULL;

-- What else a list of SMS tells a number.
CREATE INDEX messages_by_number ON messages (batch_id, msisdn, row) WHERE purpose = 'bulk';
