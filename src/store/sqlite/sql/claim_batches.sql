-- Batches that have something to send through lane $1 now. In a cancelling or paused batch only what may already be out:
-- it is asked about instead.
SELECT b.id, b.organisation_id
FROM batches b
WHERE b.state IN ('running', 'cancelling', 'paused')
  AND EXISTS (SELECT 1 FROM payouts p
              WHERE p.batch_id = b.id AND p.lane = $1 AND p.action = 'submit' AND p.due_at <= $2
                AND (b.state = 'running' OR p.state = 'unknown'))
-- In an order by chance: $4 is drawn for each claim.
ORDER BY (b.rowid * $4) % 2147483647
LIMIT $3
