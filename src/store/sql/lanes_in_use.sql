SELECT DISTINCT p.lane
FROM batches b
JOIN payouts p ON p.batch_id = b.id AND p.due_at IS NOT NULL
WHERE b.state IN ('running', 'paused', 'cancelling', 'scheduled')
UNION
SELECT lane FROM messages WHERE due_at IS NOT NULL AND (purpose <> 'bulk' OR state <> 'queued')
UNION
SELECT m.lane
FROM batches b
JOIN messages m ON m.batch_id = b.id AND m.purpose = 'bulk' AND m.state = 'queued' AND m.due_at IS NOT NULL
WHERE b.state IN ('running', 'paused', 'cancelling', 'scheduled')
