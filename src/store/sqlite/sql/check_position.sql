SELECT COALESCE(MAX(position), 0) AS position, COUNT(*) AS transfers FROM transfers
