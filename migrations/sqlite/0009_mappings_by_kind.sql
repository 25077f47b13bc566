-- Which column is which is remembered for lists of one kind: a list of SMS goes to whatever number reaches people, and must not
-- teach the next payroll whom to pay.
CREATE TABLE column_mappings_by_kind (
    organisation_id BLOB NOT NULL REFERENCES organisations (id),
    kind            TEXT NOT NULL CHECK (kind IN ('payout', 'sms')),
    fingerprint     BLOB NOT NULL,
    mapping         TEXT NOT NULL,
    given_at        INTEGER NOT NULL,
    PRIMARY KEY (organisation_id, kind, fingerprint)
) STRICT, WITHOUT ROWID;

-- Lists say themselves which kind each was of, and what one kind taught before another replaced it.
INSERT INTO column_mappings_by_kind (organisation_id, kind, fingerprint, mapping, given_at)
SELECT organisation_id, kind, header, mapping, MAX(approved_at) FROM batches
WHERE mapping_source = 'given' AND header IS NOT NULL AND mapping IS NOT NULL AND approved_at IS NOT NULL
GROUP BY organisation_id, kind, header;

-- Lists that were read before headers were kept say nothing of them: what they taught was used for payrolls, and still is.
INSERT INTO column_mappings_by_kind (organisation_id, kind, fingerprint, mapping, given_at)
SELECT m.organisation_id, 'payout', m.fingerprint, m.mapping, m.given_at FROM column_mappings m
WHERE NOT EXISTS (SELECT 1 FROM column_mappings_by_kind k
                  WHERE k.organisation_id = m.organisation_id AND k.fingerprint = m.fingerprint);

DROP TABLE column_mappings;
ALTER TABLE column_mappings_by_kind RENAME TO column_mappings;
