-- What else a list of SMS tells a number, but for the rows that are told of this one, or of the corrected one.
SELECT m.row, d.name, d.reference, d.variables
FROM messages m
JOIN payout_details d ON d.batch_id = m.batch_id AND d.row = m.row
WHERE m.batch_id = $1 AND m.msisdn = $2 AND m.purpose = 'bulk' AND m.row <> $3
  AND NOT EXISTS (SELECT 1 FROM issues i WHERE i.batch_id = m.batch_id AND i.row = m.row AND i.other_row IN ($3, $4))
ORDER BY m.row
LIMIT $5
