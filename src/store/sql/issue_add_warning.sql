INSERT INTO issues (batch_id, row, ordinal, code, severity, message)
SELECT $1, $2, COALESCE(MAX(ordinal) + 1, 0), $3, 'warning', $4 FROM issues WHERE batch_id = $1 AND row = $2
