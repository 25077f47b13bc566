UPDATE batches SET state = $2, due_at = $3, claim = claim + 1 WHERE id = $1
