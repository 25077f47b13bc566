SELECT MAX(COALESCE((SELECT MAX(row) FROM payouts WHERE batch_id = $1), 0),
           COALESCE((SELECT MAX(row) FROM messages WHERE batch_id = $1), 0)) AS row
