UPDATE rejected_rows SET aside = 1 WHERE batch_id = $1 AND row = $2
