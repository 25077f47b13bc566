SELECT id, name, created_at FROM organisations WHERE id = $1 OR name = $2
