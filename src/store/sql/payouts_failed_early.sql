SELECT row FROM payouts WHERE batch_id = $1 AND state = 'failed' AND frozen_by IS NULL AND retry_from > $2 ORDER BY row
