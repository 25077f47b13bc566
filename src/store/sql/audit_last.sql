SELECT sequence, hash FROM audit WHERE organisation_id = $1 ORDER BY sequence DESC LIMIT 1
