INSERT INTO issues (batch_id, row, ordinal, column_name, code, severity, message, value, other_row)
SELECT $1, value ->> 'row', value ->> 'ordinal', value ->> 'column', value ->> 'code', value ->> 'severity',
       value ->> 'message', value ->> 'value', value ->> 'other_row'
FROM json_each($2)
