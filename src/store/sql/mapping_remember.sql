INSERT INTO column_mappings (organisation_id, fingerprint, mapping, given_at)
VALUES ($1, $2, $3, $4)
ON CONFLICT (organisation_id, fingerprint) DO UPDATE SET mapping = excluded.mapping, given_at = excluded.given_at
