SELECT p.row, d.reference, p.id AS payout_id, p.transaction_id, d.name, p.msisdn, d.network, p.amount, NULL AS amount_text,
       p.fee, p.tax, p.amount + p.fee + p.tax AS total, p.state, p.reason_code, p.reason, p.sent_at, p.settled_at,
       p.paid_amount, (SELECT a.reference FROM attempts a WHERE a.batch_id = p.batch_id AND a.row = p.row ORDER BY a.state = 'succeeded' DESC, a.attempt DESC LIMIT 1) AS provider_reference,
       (SELECT COUNT(*) FROM attempts a WHERE a.batch_id = p.batch_id AND a.row = p.row) AS attempts
FROM payouts p
JOIN payout_details d ON d.batch_id = p.batch_id AND d.row = p.row
WHERE p.batch_id = $1 AND p.row > $2
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
