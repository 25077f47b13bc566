SELECT MAX(COALESCE((SELECT created_at FROM transfers ORDER BY position DESC LIMIT 1), 0),
           COALESCE((SELECT MAX(at) FROM audit), 0)) AS at
