UPDATE payouts SET action = 'query', due_at = c.due_at, claim = claim + 1
FROM (SELECT unhex(value ->> 'id') AS asked, value ->> 'due_at' AS due_at FROM json_each($1)) AS c
WHERE payouts.id = c.asked
