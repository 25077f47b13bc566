-- A message in the columns of a settlement: what it cost is its amount, our id of it the reference the gateway was given.
SELECT m.row, d.reference, NULL AS payout_id, m.gateway_id AS transaction_id, d.name, m.msisdn, d.network, m.cost AS amount,
       NULL AS amount_text, 0 AS fee, 0 AS tax, m.cost AS total, m.state, m.reason_code, m.reason, m.sent_at, m.settled_at,
       NULL AS paid_amount, m.id AS provider_reference, m.step + (m.state NOT IN ('queued', 'cancelled')) AS attempts
FROM messages m
JOIN payout_details d ON d.batch_id = m.batch_id AND d.row = m.row
WHERE m.batch_id = $1 AND m.purpose = 'bulk' AND m.row > $2
UNION ALL
SELECT r.row, r.reference, NULL, NULL, r.name, r.msisdn, NULL, NULL, r.amount, NULL, NULL, NULL, 'excluded',
       CASE r.aside WHEN 1 THEN 'set_aside'
            ELSE (SELECT i.code FROM issues i WHERE i.batch_id = r.batch_id AND i.row = r.row AND i.severity = 'error' ORDER BY i.ordinal LIMIT 1) END,
       CASE r.aside WHEN 1 THEN 'its maker set it aside'
            ELSE (SELECT i.message FROM issues i WHERE i.batch_id = r.batch_id AND i.row = r.row AND i.severity = 'error' ORDER BY i.ordinal LIMIT 1) END,
       NULL, NULL, NULL, NULL, 0
FROM rejected_rows r
WHERE r.batch_id = $1 AND r.row > $2
ORDER BY 1
LIMIT $3
