SELECT row, lane, state, attempt, first_attempt FROM payouts WHERE batch_id = $1 AND row > $2 ORDER BY row LIMIT $3
