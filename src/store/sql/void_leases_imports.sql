UPDATE batches SET due_at = $1, claim = claim + 1 WHERE state = 'importing' AND due_at IS NOT NULL
