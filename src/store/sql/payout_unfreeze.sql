-- Another exception that nobody has settled keeps it frozen.
UPDATE payouts
SET frozen_by = (SELECT e.id FROM exceptions e
                 WHERE e.payout_id = $1 AND e.state <> 'resolved' AND e.kind <> 'overdue'
                 ORDER BY e.opened_at LIMIT 1)
WHERE id = $1
RETURNING frozen_by IS NOT NULL AS frozen
