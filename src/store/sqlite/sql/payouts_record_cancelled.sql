-- The second step of a row that was on its way when its batch was cancelled: queued → cancelled.
UPDATE payouts
SET state = 'cancelled', due_at = NULL
FROM (SELECT unhex(value ->> 'id') AS changed FROM json_each($1)) AS c
WHERE payouts.id = c.changed AND payouts.state = 'queued'
