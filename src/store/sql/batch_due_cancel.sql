SELECT id, organisation_id, kind, currency, state
FROM batches
WHERE state IN ('cancelling', 'cancelled') AND due_at <= $1
  -- In quarantine a queued row may have been paid already; in a batch that never ran it was not.
  AND (state = 'cancelled' OR NOT EXISTS (SELECT 1 FROM quarantines q WHERE q.lifted_at IS NULL))
ORDER BY due_at
LIMIT 1
