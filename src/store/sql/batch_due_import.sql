-- The oldest list of an organisation with the fewest in hand; one that has its share in hand waits. A list whose reader died
-- is in no hand any more once its lease is over.
WITH in_hand AS (
    SELECT organisation_id, COUNT(*) AS lists
    FROM batches
    WHERE state = 'importing' AND due_at > $1 AND imports > 0
    GROUP BY organisation_id
), next AS (
    SELECT b.id
    FROM batches b LEFT JOIN in_hand h ON h.organisation_id = b.organisation_id
    WHERE b.state = 'importing' AND b.due_at <= $1 AND COALESCE(h.lists, 0) < $2
    ORDER BY COALESCE(h.lists, 0), b.due_at
    LIMIT 1
)
SELECT b.id, b.organisation_id, b.kind, b.name, b.currency, b.state, b.claim, b.notify, b.sms_template, b.mapping, b.scheduled_at,
       b.file_name, b.upload_id, b.digest, b.rows, b.valid, b.invalid, b.excluded,
       b.duplicates, b.revision, b.file_hash, b.warnings, b.amount, b.fees, b.tax, b.reserved,
       b.paid, b.released, b.rejection, b.failure, b.created_by, b.created_by_label, b.submitted_by, b.approved_by,
       b.approved_by_label, b.created_at, b.approved_at, b.completed_at, b.source, b.mapping_source,
       b.declared_total, b.declared_count, b.read_bytes, b.file_bytes, b.imports,
       COALESCE((SELECT a.balance FROM accounts a WHERE a.batch_id = b.id), 0) AS held
FROM batches b
WHERE b.id = (SELECT id FROM next)
