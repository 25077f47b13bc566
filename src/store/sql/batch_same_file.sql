-- A list that was cancelled before anybody approved it paid nothing.
SELECT name, created_at FROM batches
WHERE organisation_id = $1 AND file_hash = $2 AND id <> $3 AND state <> 'import_failed'
  AND (state <> 'cancelled' OR approved_at IS NOT NULL)
  AND (created_at >= $4 OR completed_at >= $4
       OR state IN ('ready', 'awaiting_approval', 'scheduled', 'running', 'paused', 'cancelling'))
ORDER BY created_at DESC
LIMIT 1
