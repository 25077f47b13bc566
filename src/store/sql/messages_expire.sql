UPDATE messages
SET state = 'expired', due_at = NULL, claim = claim + 1, settled_at = $2, reason_code = 'no_receipt',
    reason = 'no delivery receipt came by the deadline'
WHERE lane = $1 AND state = 'submitted' AND due_at <= $2 AND (purpose <> 'bulk' OR state <> 'queued')
RETURNING id, organisation_id, batch_id, row, purpose, currency, cost
