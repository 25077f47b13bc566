DELETE FROM payouts WHERE batch_id = $1 AND row IN (SELECT row FROM payouts WHERE batch_id = $1 LIMIT $2)
