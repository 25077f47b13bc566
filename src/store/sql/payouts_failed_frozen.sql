SELECT row FROM payouts WHERE batch_id = $1 AND state = 'failed' AND frozen_by IS NOT NULL ORDER BY row
