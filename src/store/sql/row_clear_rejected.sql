DELETE FROM rejected_rows WHERE batch_id = $1 AND row = $2
