SELECT row, ordinal, column_name, code, severity, message, value, other_row
FROM issues WHERE batch_id = $1 AND row = $2 ORDER BY ordinal
