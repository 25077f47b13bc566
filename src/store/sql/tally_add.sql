UPDATE batch_tallies SET rows = rows + $3, amount = amount + $4, total = total + $5 WHERE batch_id = $1 AND state = $2
