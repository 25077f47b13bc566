SELECT p.id, p.batch_id, p.row, d.reference, d.name, p.msisdn, p.amount, p.paid_amount, p.currency, p.lane, p.state, p.frozen_by,
       p.reason_code, p.reason, p.transaction_id, p.attempt, p.created_at, p.sent_at, p.settled_at,
       (SELECT a.reference FROM attempts a WHERE a.batch_id = p.batch_id AND a.row = p.row ORDER BY a.state = 'succeeded' DESC, a.attempt DESC LIMIT 1) AS provider_reference
FROM payouts p
JOIN payout_details d ON d.batch_id = p.batch_id AND d.row = p.row
WHERE p.batch_id = $1 AND ($2 IS NULL OR p.state = $2) AND p.row > $3
ORDER BY p.row
LIMIT $4
