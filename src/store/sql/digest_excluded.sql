SELECT row FROM rejected_rows WHERE batch_id = $1 AND row > $2 ORDER BY row LIMIT $3
