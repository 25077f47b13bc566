-- A new try of every failed row but some: a new attempt, and with it a new reference. The earlier ones have definitively ended.
UPDATE payouts
SET state = 'queued', action = 'submit', due_at = $2, claim = claim + 1, claims = 0, attempt = attempt + 1,
    first_attempt = attempt + 1, step = 0, exposed = 0, not_found = 0, not_found_at = NULL, intended_at = NULL,
    settled_at = NULL, reason_code = NULL, reason = NULL
WHERE batch_id = $1 AND state = 'failed' AND frozen_by IS NULL
  AND row NOT IN (SELECT value FROM json_each($3))
