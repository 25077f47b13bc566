DELETE FROM messages WHERE batch_id = $1 AND row = $2 AND purpose = 'bulk'
