UPDATE batches
SET state = $2, due_at = $3, claim = claim + 1, reserved = reserved + $4, approved_by = $5, approved_by_label = $6,
    approved_at = $7
WHERE id = $1
