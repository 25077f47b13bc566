UPDATE quarantines SET lifted_at = $2, note = $3 WHERE id = $1 AND lifted_at IS NULL
