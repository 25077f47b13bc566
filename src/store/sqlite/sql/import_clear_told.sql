DELETE FROM told_duplicates
WHERE batch_id = $1 AND row IN (SELECT row FROM told_duplicates WHERE batch_id = $1 LIMIT $2)
