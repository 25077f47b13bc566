UPDATE receipts SET state = $2, result = $3, due_at = NULL, claim = claim + 1 WHERE id = $1
