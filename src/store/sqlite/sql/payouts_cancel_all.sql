UPDATE payouts SET state = 'cancelled', due_at = NULL, claim = claim + 1, settled_at = $2
WHERE batch_id = $1 AND state = 'queued'
