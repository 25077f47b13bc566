SELECT e.id, e.batch_id, e.payout_id, e.kind, e.attempt, e.detail, e.state, e.opened_at, e.verdict, e.note,
       e.evidence_sha256, e.transaction_id, e.paid_amount AS said_paid, e.proposed_by, e.proposed_by_label, e.proposed_at,
       e.resolution, e.confirmed_by_label, e.resolved_at, p.row, p.amount, p.paid_amount, p.currency,
       p.state AS payout_state, p.attempt = e.attempt AS present, a.state = 'succeeded' AS attempt_paid,
       COALESCE(p.reason_code = 'reversed', FALSE) AS reversed,
       EXISTS (SELECT 1 FROM transfers t WHERE t.batch_id = p.batch_id AND t.row = p.row AND t.attempt = e.attempt
                                           AND t.kind IN ('surplus', 'difference')) AS posted
FROM exceptions e
JOIN payouts p ON p.id = e.payout_id
LEFT JOIN attempts a ON a.batch_id = p.batch_id AND a.row = p.row AND a.attempt = e.attempt
WHERE e.organisation_id = $1 AND e.id = $2
