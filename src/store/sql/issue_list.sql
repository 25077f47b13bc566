SELECT row, ordinal, column_name, code, severity, message, value, other_row
FROM issues
WHERE batch_id = $1 AND (row > $2 OR (row = $2 AND ordinal > $3))
  AND ($5 IS NULL OR severity = $5)
ORDER BY row, ordinal
LIMIT $4
