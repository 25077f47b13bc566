UPDATE payouts
SET state = 'unknown', action = 'query', due_at = $3, claim = claim + 1, claims = 0, attempt = $2, step = 0, exposed = 1,
    not_found = 0, not_found_at = NULL, intended_at = $4, sent_at = $3
WHERE id = $1
