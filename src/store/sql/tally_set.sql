UPDATE batch_tallies SET rows = $3, amount = $4, total = $5 WHERE batch_id = $1 AND state = $2
