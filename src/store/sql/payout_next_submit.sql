SELECT MIN((SELECT p.due_at FROM payouts p
            WHERE p.batch_id = b.id AND p.lane = $1 AND p.action = 'submit' AND p.due_at IS NOT NULL
              AND (b.state = 'running' OR p.state = 'unknown')
            ORDER BY p.due_at LIMIT 1)) AS due_at
FROM batches b
WHERE b.state IN ('running', 'cancelling', 'paused')
