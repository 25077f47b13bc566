SELECT p.row, p.msisdn, p.amount, p.fee, p.tax, d.name, d.reference, d.note, d.variables
FROM payouts p
JOIN payout_details d ON d.batch_id = p.batch_id AND d.row = p.row
WHERE p.batch_id = $1 AND p.row > $2
UNION ALL
SELECT m.row, m.msisdn, m.cost, 0, 0, d.name, d.reference, d.note, d.variables
FROM messages m
JOIN payout_details d ON d.batch_id = m.batch_id AND d.row = m.row
WHERE m.batch_id = $1 AND m.row > $2 AND m.purpose = 'bulk'
ORDER BY 1
LIMIT $3
