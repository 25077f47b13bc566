SELECT DISTINCT row FROM issues WHERE batch_id = $1 AND other_row = $2 ORDER BY row LIMIT $3
