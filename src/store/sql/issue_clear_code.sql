DELETE FROM issues WHERE batch_id = $1 AND row = $2 AND code = $3
