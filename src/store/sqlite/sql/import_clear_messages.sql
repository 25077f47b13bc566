DELETE FROM messages WHERE batch_id = $1 AND row IN (SELECT row FROM messages WHERE batch_id = $1 LIMIT $2)
