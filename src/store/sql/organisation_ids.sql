SELECT id FROM organisations ORDER BY created_at
