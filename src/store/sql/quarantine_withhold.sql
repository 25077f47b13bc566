SELECT m.id, m.organisation_id, m.batch_id, m.row, m.purpose, m.currency, m.cost
FROM messages m
WHERE m.due_at IS NOT NULL AND (m.purpose <> 'bulk' OR m.state <> 'queued') AND m.state = 'queued'
UNION ALL
SELECT m.id, m.organisation_id, m.batch_id, m.row, m.purpose, m.currency, m.cost
FROM batches b
JOIN messages m ON m.batch_id = b.id AND m.purpose = 'bulk' AND m.state = 'queued' AND m.due_at IS NOT NULL
WHERE b.approved_at IS NOT NULL AND b.state <> 'cancelled' AND (b.state <> 'scheduled' OR b.scheduled_at <= $1)
LIMIT $2
