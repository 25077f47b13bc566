-- Closes a batch whose last row has become final. A hold that is not at zero keeps it open for everybody to see, and so does
-- a row that is frozen by what nobody has settled. A message that was sent, or may have been, keeps nothing open.
UPDATE batches
SET state = CASE state WHEN 'running' THEN 'completed' ELSE 'cancelled' END, completed_at = $2, due_at = NULL,
    claim = claim + 1
WHERE id = $1
  AND state IN ('running', 'cancelling')
  AND NOT EXISTS (SELECT 1 FROM batch_tallies t
                  WHERE t.batch_id = $1 AND t.rows > 0
                    AND (t.state IN ('queued', 'sending') OR (batches.kind = 'payout' AND t.state IN ('accepted', 'unknown'))))
  AND NOT EXISTS (SELECT 1 FROM exceptions e
                  WHERE e.batch_id = $1 AND e.state <> 'resolved' AND e.kind <> 'overdue')
  AND (SELECT a.balance FROM accounts a WHERE a.id = $3) = 0
