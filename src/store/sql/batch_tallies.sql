SELECT state, rows, amount, total FROM batch_tallies WHERE batch_id = $1
