UPDATE payouts SET state = 'cancelled', due_at = NULL, claim = claim + 1, settled_at = $3
WHERE id IN (SELECT id FROM payouts
             WHERE batch_id = $1 AND action = 'submit' AND due_at IS NOT NULL AND state = 'queued' AND frozen_by IS NULL
             LIMIT $2)
RETURNING id, row, claim, attempt, amount, amount + fee + tax AS total
