UPDATE messages
SET state = 'cancelled', due_at = NULL, claim = claim + 1, settled_at = $2, reason_code = 'unreadable', reason = $3
WHERE id = $1
