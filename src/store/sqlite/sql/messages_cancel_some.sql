UPDATE messages SET state = 'cancelled', due_at = NULL, claim = claim + 1, settled_at = $3
WHERE id IN (SELECT id FROM messages
             WHERE batch_id = $1 AND purpose = 'bulk' AND state = 'queued' AND due_at IS NOT NULL
             LIMIT $2)
RETURNING id, row, cost
