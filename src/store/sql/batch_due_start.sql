SELECT id, organisation_id
FROM batches
WHERE state = 'scheduled' AND due_at <= $1 AND NOT EXISTS (SELECT 1 FROM quarantines q WHERE q.lifted_at IS NULL)
ORDER BY due_at
LIMIT 64
