-- The second step of a message that was on its way when its batch was cancelled, and surely was not sent: queued → cancelled.
UPDATE messages
SET state = 'cancelled', due_at = NULL, settled_at = $2
FROM (SELECT unhex(value) AS changed FROM json_each($1)) AS c
WHERE messages.id = c.changed AND messages.state = 'queued'
