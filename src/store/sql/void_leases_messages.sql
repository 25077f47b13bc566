UPDATE messages SET due_at = $1, claim = claim + 1 WHERE state = 'sending' AND due_at IS NOT NULL
