UPDATE batches
SET due_at = $2, claim = claim + 1, rows = 0, valid = 0, invalid = 0, warnings = 0, duplicates = 0, read_bytes = NULL, file_bytes = NULL
WHERE id = $1
