SELECT 1 AS found FROM quarantine_enquiries
WHERE quarantine = $1 AND batch_id = $2 AND row = $3 AND attempt = $4 AND claim = $5 AND said IS NULL
