SELECT MAX(row) AS row FROM (SELECT row FROM payouts WHERE batch_id = $1 AND row > $2 ORDER BY row LIMIT $3) looked
