-- Lists of SMS that have something to send through lane $1 now. The first condition is that of the index.
SELECT b.id, b.organisation_id
FROM batches b
WHERE b.state IN ('running', 'cancelling', 'paused') AND b.state = 'running' AND b.kind = 'sms'
  AND NOT EXISTS (SELECT 1 FROM quarantines q WHERE q.lifted_at IS NULL)
  AND EXISTS (SELECT 1 FROM messages m
              WHERE m.batch_id = b.id AND m.lane = $1 AND m.purpose = 'bulk' AND m.state = 'queued' AND m.due_at <= $2)
-- In an order by chance: $4 is drawn for each claim.
ORDER BY (b.rowid * $4) % 2147483647
LIMIT $3
