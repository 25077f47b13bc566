UPDATE receipts SET due_at = $1, claim = claim + 1 WHERE due_at IS NOT NULL
