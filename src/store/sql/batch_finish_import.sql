UPDATE batches
SET state = 'ready', due_at = NULL, claim = claim + 1, rows = $3, valid = $4, invalid = $5, warnings = $6 + duplicates, amount = $7,
    fees = $8, tax = $9, digest = $10, source = $11, mapping = $12, mapping_source = $13, header = $14
WHERE id = $1 AND claim = $2 AND state = 'importing'
