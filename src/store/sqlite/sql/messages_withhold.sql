UPDATE messages
SET state = 'unknown', due_at = NULL, claim = claim + 1, settled_at = $2, reason_code = 'quarantine',
    reason = 'it waited when a backup was restored: it may have been sent before, and is not sent again'
WHERE id IN (SELECT unhex(value) FROM json_each($1)) AND state = 'sending'
