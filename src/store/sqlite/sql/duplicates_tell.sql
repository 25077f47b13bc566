INSERT INTO issues (batch_id, row, ordinal, column_name, code, severity, message, value)
SELECT $1, d.value ->> 'row',
       COALESCE((SELECT MAX(i.ordinal) + 1 FROM issues i WHERE i.batch_id = $1 AND i.row = d.value ->> 'row'), 0),
       NULL, 'duplicate_in_batch', 'warning', d.value ->> 'message', NULL
FROM json_each($2) d
