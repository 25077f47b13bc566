DELETE FROM issues WHERE batch_id = $1 AND row IN (SELECT row FROM issues WHERE batch_id = $1 LIMIT $2)
