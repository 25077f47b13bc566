INSERT INTO issues (batch_id, row, ordinal, column_name, code, severity, message, value)
SELECT $1, value ->> 'row', $3, NULL, 'duplicate_in_batch', 'warning', value ->> 'message', NULL
FROM json_each($2)
WHERE true
ON CONFLICT (batch_id, row, ordinal) DO NOTHING
