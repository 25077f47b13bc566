SELECT name, created_at FROM batches
WHERE organisation_id = $1 AND file_hash = $2 AND id <> $3 AND created_at >= $4
  AND state NOT IN ('import_failed', 'cancelled')
ORDER BY created_at DESC
LIMIT 1
