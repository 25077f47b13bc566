-- What the paid of a batch will be told.
SELECT p.id, p.organisation_id, p.batch_id, p.row, 'paid' AS purpose, p.msisdn, NULL AS text, 0 AS step, 0 AS claim,
       b.sms_template, b.currency, b.name AS batch_name, o.name AS organisation_name, COALESCE(p.paid_amount, p.amount) AS amount, p.transaction_id,
       d.name, d.reference, d.variables
FROM payouts p
JOIN batches b ON b.id = p.batch_id
JOIN organisations o ON o.id = p.organisation_id
LEFT JOIN payout_details d ON d.batch_id = p.batch_id AND d.row = p.row
WHERE p.batch_id = $1 AND p.row > $2
ORDER BY p.row
LIMIT $3
