SELECT p.row, p.msisdn, p.amount, p.fee, p.tax, d.name, d.reference, d.note, d.variables
FROM payouts p
JOIN payout_details d ON d.batch_id = p.batch_id AND d.row = p.row
WHERE p.batch_id = $1 AND p.row > $2
ORDER BY p.row
LIMIT $3
