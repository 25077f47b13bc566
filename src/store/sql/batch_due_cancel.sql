SELECT id, organisation_id, currency FROM batches WHERE state = 'cancelling' AND due_at <= $1 ORDER BY due_at LIMIT 1
