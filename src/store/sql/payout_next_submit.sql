-- Of a batch that may not send now only resends count, which are due at 0.
SELECT MIN((SELECT p.due_at FROM payouts p
            WHERE p.batch_id = b.id AND p.lane = $1 AND p.action = 'submit' AND p.due_at IS NOT NULL AND p.frozen_by IS NULL
              AND p.due_at <= CASE WHEN b.state = 'running'
                                        AND NOT EXISTS (SELECT 1 FROM quarantines q WHERE q.lifted_at IS NULL)
                                   THEN 9223372036854775807 ELSE 0 END
              AND (p.state = 'unknown'
                   OR (b.state = 'running' AND NOT EXISTS (SELECT 1 FROM quarantines q WHERE q.lifted_at IS NULL)))
            ORDER BY p.due_at LIMIT 1)) AS due_at
FROM batches b
WHERE b.state IN ('running', 'cancelling', 'paused')
