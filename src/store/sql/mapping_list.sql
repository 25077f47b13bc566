SELECT fingerprint, mapping FROM column_mappings WHERE organisation_id = $1 AND kind = $2
ORDER BY given_at DESC, fingerprint LIMIT $3
