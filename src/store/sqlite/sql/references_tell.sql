INSERT INTO issues (batch_id, row, ordinal, column_name, code, severity, message, value)
SELECT $1, r.value ->> 'row',
       COALESCE((SELECT MAX(i.ordinal) + 1 FROM issues i WHERE i.batch_id = $1 AND i.row = r.value ->> 'row'), 0),
       NULL, 'repeated_reference', 'warning', r.value ->> 'message', NULL
FROM json_each($2) r
WHERE NOT EXISTS (SELECT 1 FROM issues i
                  WHERE i.batch_id = $1 AND i.row = r.value ->> 'row' AND i.code = 'repeated_reference')
