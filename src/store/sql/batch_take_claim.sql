UPDATE batches SET due_at = $2, claim = claim + 1 WHERE id = $1
