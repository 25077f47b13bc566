UPDATE messages
SET state = 'sending', text = c.text, due_at = $3, claim = claim + 1, sent_at = $2
FROM (SELECT unhex(value ->> 'id') AS claimed, value ->> 'text' AS text FROM json_each($1)) AS c
WHERE messages.id = c.claimed
