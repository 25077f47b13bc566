INSERT INTO told_duplicates (batch_id, row, other_batch, other_row)
SELECT $1, value ->> 'row', unhex(value ->> 'other_batch'), value ->> 'other_row'
FROM json_each($2)
WHERE true
ON CONFLICT (batch_id, row, other_batch) DO UPDATE SET other_row = excluded.other_row
WHERE told_duplicates.other_row <> excluded.other_row
RETURNING row
