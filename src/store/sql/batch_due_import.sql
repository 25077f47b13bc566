SELECT b.id, b.organisation_id, b.kind, b.name, b.currency, b.state, b.claim, b.notify, b.sms_template, b.mapping, b.scheduled_at,
       b.file_name, b.upload_id, b.digest, b.rows, b.valid, b.invalid, b.excluded,
       b.duplicates, b.revision, b.file_hash, b.warnings, b.amount, b.fees, b.tax, b.reserved,
       b.paid, b.released, b.rejection, b.failure, b.created_by, b.created_by_label, b.submitted_by, b.approved_by,
       b.approved_by_label, b.created_at, b.approved_at, b.completed_at, b.source, b.mapping_source,
       b.declared_total, b.declared_count, b.read_bytes, b.file_bytes, b.imports,
       COALESCE((SELECT a.balance FROM accounts a WHERE a.batch_id = b.id), 0) AS held
FROM batches b
WHERE b.state = 'importing' AND b.due_at <= $1
ORDER BY b.due_at
LIMIT 1
