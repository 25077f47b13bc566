UPDATE batches SET state = 'import_failed', due_at = NULL, claim = claim + 1, failure = $3,
    rows = 0, valid = 0, invalid = 0, warnings = 0, duplicates = 0
WHERE id = $1 AND claim = $2 AND state = 'importing'
