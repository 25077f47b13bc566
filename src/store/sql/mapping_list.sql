SELECT fingerprint, mapping FROM column_mappings WHERE organisation_id = $1 ORDER BY given_at DESC, fingerprint LIMIT $2
