UPDATE receipts SET due_at = $3, claim = claim + 1
WHERE id IN (SELECT id FROM receipts WHERE due_at <= $1 ORDER BY due_at LIMIT $2)
RETURNING id, lane, claim, kept, token_reference, headers, body, received_at
