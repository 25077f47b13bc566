-- Whoever gives it back is alive: that it was begun does not count.
UPDATE batches
SET due_at = $3, claim = claim + 1, imports = imports - 1, rows = 0, valid = 0, invalid = 0, warnings = 0, duplicates = 0,
    read_bytes = NULL, file_bytes = NULL
WHERE id = $1 AND claim = $2 AND state = 'importing'
