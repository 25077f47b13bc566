UPDATE payouts
SET state = CASE state WHEN 'sending' THEN 'unknown' ELSE state END, exposed = 1, due_at = $2, claim = claim + 1,
    claims = claims + 1
FROM (SELECT unhex(value ->> 'id') AS claimed FROM json_each($1)) AS c
WHERE payouts.id = c.claimed
