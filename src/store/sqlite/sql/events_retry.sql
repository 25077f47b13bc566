INSERT INTO payout_events (batch_id, row, claim, kind, at, detail)
SELECT batch_id, row, claim + 1, 'queued', $2, $3
FROM payouts
WHERE batch_id = $1 AND state = 'failed' AND frozen_by IS NULL
  AND row NOT IN (SELECT value FROM json_each($4))
