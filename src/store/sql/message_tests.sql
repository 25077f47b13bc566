SELECT COUNT(*) AS tests FROM messages WHERE batch_id = $1 AND purpose = 'test'
