INSERT INTO column_mappings (organisation_id, kind, fingerprint, mapping, given_at)
SELECT organisation_id, kind, header, mapping, $2 FROM batches
WHERE id = $1 AND mapping_source = 'given' AND header IS NOT NULL AND mapping IS NOT NULL
ON CONFLICT (organisation_id, kind, fingerprint) DO UPDATE SET mapping = excluded.mapping, given_at = excluded.given_at
