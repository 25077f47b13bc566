-- Messages that wait for nobody's batch to run: notices and tests.
SELECT m.id, m.organisation_id, m.batch_id, m.row, m.purpose, m.msisdn, m.text, m.step, m.claim, b.sms_template, b.currency,
       b.name AS batch_name, o.name AS organisation_name, COALESCE(p.paid_amount, p.amount, m.cost) AS amount, p.transaction_id,
       d.name, d.reference, d.variables
FROM messages m
JOIN batches b ON b.id = m.batch_id
JOIN organisations o ON o.id = m.organisation_id
LEFT JOIN payouts p ON p.batch_id = m.batch_id AND p.row = m.row
LEFT JOIN payout_details d ON d.batch_id = m.batch_id AND d.row = m.row
WHERE m.lane = $1 AND m.state = 'queued' AND m.due_at <= $2 AND (m.purpose <> 'bulk' OR m.state <> 'queued')
  AND NOT EXISTS (SELECT 1 FROM quarantines q WHERE q.lifted_at IS NULL)
ORDER BY m.due_at
LIMIT $3
