UPDATE batches
SET valid = valid + $2, invalid = invalid + $3, excluded = excluded + $4, warnings = warnings + $5,
    duplicates = duplicates + $6, amount = amount + $7, fees = fees + $8, tax = tax + $9, digest = NULL,
    revision = revision + 1, claim = claim + 1
WHERE id = $1 AND state = 'ready'
