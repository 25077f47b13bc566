UPDATE batches
SET due_at = $3, rows = rows + $4 + $5, valid = valid + $4, invalid = invalid + $5, warnings = warnings + $6,
    read_bytes = $7, file_bytes = $8
WHERE id = $1 AND claim = $2 AND state = 'importing'
