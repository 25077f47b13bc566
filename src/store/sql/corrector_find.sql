SELECT 1 AS found FROM correctors WHERE batch_id = $1 AND principal_id = $2
