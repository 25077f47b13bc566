INSERT INTO batch_tallies (batch_id, state, rows, amount, total)
SELECT $1, value, 0, 0, 0
FROM json_each($2)
