-- Batches that have something to send through lane $1 now. In a cancelling or paused batch, and in quarantine in any, only
-- what may already be out: it is asked about instead. (A resend is due at 0, before everything that was never sent.)
SELECT b.id, b.organisation_id
FROM batches b
WHERE b.state IN ('running', 'cancelling', 'paused')
  AND ((b.state = 'running' AND NOT EXISTS (SELECT 1 FROM quarantines q WHERE q.lifted_at IS NULL)
        AND EXISTS (SELECT 1 FROM payouts p
                    WHERE p.batch_id = b.id AND p.lane = $1 AND p.action = 'submit' AND p.due_at <= $2
                      AND p.frozen_by IS NULL))
       OR EXISTS (SELECT 1 FROM payouts p
                  WHERE p.batch_id = b.id AND p.lane = $1 AND p.action = 'submit' AND p.due_at <= 0 AND p.state = 'unknown'))
-- In an order by chance: $4 is drawn for each claim.
ORDER BY (b.rowid * $4) % 2147483647
LIMIT $3
