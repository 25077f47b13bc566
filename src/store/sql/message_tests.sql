SELECT COALESCE(MAX(copy), 0) AS tests FROM messages WHERE batch_id = $1 AND purpose = 'test'
