DELETE FROM told_duplicates WHERE batch_id = $1 AND row = $2
