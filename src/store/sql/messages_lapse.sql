UPDATE messages
SET state = 'unknown', due_at = NULL, claim = claim + 1, settled_at = $2, reason_code = 'claim_lapsed',
    reason = 'the process sending it ended; it may have been sent and is not sent again'
WHERE lane = $1 AND state = 'sending' AND due_at <= $2 AND (purpose <> 'bulk' OR state <> 'queued')
RETURNING id, organisation_id, batch_id, row, purpose, currency, cost
