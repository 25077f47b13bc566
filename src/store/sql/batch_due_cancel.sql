SELECT id, organisation_id, kind, currency, state
FROM batches
WHERE state IN ('cancelling', 'cancelled') AND due_at <= $1
ORDER BY due_at
LIMIT 1
