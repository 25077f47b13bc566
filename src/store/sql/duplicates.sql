-- Rows that pay the same amount to the same number as a row of another list that is open, or not older than $2, and of which
-- that is not told yet.
SELECT p.row, b.name, b.created_at, MIN(q.row) AS other_row
FROM payouts p
JOIN payouts q ON q.organisation_id = p.organisation_id AND q.msisdn = p.msisdn AND q.amount = p.amount
              AND q.batch_id <> p.batch_id
JOIN batches b ON b.id = q.batch_id
WHERE p.batch_id = $1 AND p.row > $3 AND q.currency = p.currency AND q.state NOT IN ('failed', 'cancelled')
  AND (b.state IN ('ready', 'awaiting_approval', 'scheduled', 'running', 'paused')
       OR (b.state = 'completed' AND b.created_at >= $2))
  AND NOT EXISTS (SELECT 1 FROM issues i WHERE i.batch_id = p.batch_id AND i.row = p.row AND i.code = 'duplicate_in_batch')
GROUP BY p.row
ORDER BY p.row
LIMIT $4
