UPDATE batches
SET state = 'running', due_at = NULL, claim = claim + 1, reserved = reserved + $2, completed_at = NULL
WHERE id = $1
