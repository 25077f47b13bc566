UPDATE batches SET state = 'import_failed', due_at = NULL, claim = claim + 1, failure = $3
WHERE id = $1 AND claim = $2 AND state = 'importing'
