-- The messages of lists among those that are about to be recorded, as they are before.
SELECT m.id, m.organisation_id, m.batch_id, m.row, m.currency, m.cost, m.state, b.state AS batch_state
FROM json_each($1) AS n
JOIN messages m ON m.id = unhex(n.value)
JOIN batches b ON b.id = m.batch_id
WHERE m.purpose = 'bulk'
