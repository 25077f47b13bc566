-- As for payouts.
UPDATE messages SET due_at = $1 WHERE state = 'queued' AND due_at > $1 AND (step = 0 OR due_at > $1 + 3600000000)
