-- The next $4 payments of a list after row $2 that have a reference, as far as they count (see the view).
SELECT p.row, d.reference, p.msisdn
FROM payments p
JOIN payout_details d ON d.batch_id = p.batch_id AND d.row = p.row
WHERE p.batch_id = $1 AND p.row > $2 AND d.reference IS NOT NULL AND (p.standing OR p.last_paid_at >= $3)
ORDER BY p.row
LIMIT $4
