SELECT COUNT(*) AS rows, COALESCE(SUM(amount), 0) AS amount, COALESCE(SUM(amount + fee + tax), 0) AS total
FROM payouts
WHERE batch_id = $1 AND state = 'failed' AND frozen_by IS NULL AND row NOT IN (SELECT value FROM json_each($2))
