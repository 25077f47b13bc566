INSERT INTO issues (batch_id, row, ordinal, column_name, code, severity, message, value)
SELECT $1, value ->> 'row', value ->> 'ordinal', value ->> 'column', value ->> 'code', value ->> 'severity',
       value ->> 'message', value ->> 'value'
FROM json_each($2)
