UPDATE quarantine_enquiries
SET due_at = $6, missing = MAX(missing, $7), trouble = $8, claim = claim + 1
WHERE quarantine = $1 AND batch_id = $2 AND row = $3 AND attempt = $4 AND claim = $5 AND said IS NULL
