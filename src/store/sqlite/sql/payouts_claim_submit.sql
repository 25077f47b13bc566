UPDATE payouts
SET state = 'sending', action = 'query', due_at = $3, claim = claim + 1, claims = claims + 1, sent_at = $2,
    intended_at = COALESCE(intended_at, $2), not_found = 0, not_found_at = NULL
FROM (SELECT unhex(value ->> 'id') AS claimed FROM json_each($1)) AS c
WHERE payouts.id = c.claimed
