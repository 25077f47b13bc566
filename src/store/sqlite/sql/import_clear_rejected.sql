DELETE FROM rejected_rows
WHERE batch_id = $1 AND row IN (SELECT row FROM rejected_rows WHERE batch_id = $1 LIMIT $2)
