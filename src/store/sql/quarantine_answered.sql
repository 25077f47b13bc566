UPDATE quarantine_enquiries
SET said = $6, due_at = NULL, missing = MAX(missing, $7), trouble = NULL, answered_at = $8, claim = claim + 1
WHERE quarantine = $1 AND batch_id = $2 AND row = $3 AND attempt = $4 AND claim = $5 AND said IS NULL
