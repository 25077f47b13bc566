SELECT id, organisation_id FROM batches WHERE state = 'scheduled' AND due_at <= $1 ORDER BY due_at LIMIT 64
