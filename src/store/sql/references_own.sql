-- The next $3 rows of a list after row $2 that are to be paid and have a reference.
SELECT d.row, d.reference, p.msisdn
FROM payout_details d
JOIN payouts p ON p.batch_id = d.batch_id AND p.row = d.row
WHERE d.batch_id = $1 AND d.row > $2 AND d.reference IS NOT NULL
ORDER BY d.row
LIMIT $3
