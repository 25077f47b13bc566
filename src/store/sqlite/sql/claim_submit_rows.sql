-- A resend waits for receipts of its reference that are not applied yet. In quarantine every batch counts as
-- paused; in one that is, only resends are picked, which are due at 0.
SELECT p.id, p.organisation_id, p.batch_id, p.row, p.lane, p.msisdn, p.amount, p.fee, p.tax, p.currency, p.state, p.claim,
       p.attempt, p.first_attempt, p.step, p.exposed, p.not_found, p.not_found_at, p.intended_at, p.sent_at, p.frozen_by,
       d.note, a.request,
       CASE WHEN b.state = 'running' AND EXISTS (SELECT 1 FROM quarantines q WHERE q.lifted_at IS NULL) THEN 'paused'
            ELSE b.state END AS batch_state
FROM payouts p
JOIN batches b ON b.id = p.batch_id
LEFT JOIN payout_details d ON d.batch_id = p.batch_id AND d.row = p.row
LEFT JOIN attempts a ON a.batch_id = p.batch_id AND a.row = p.row AND a.attempt = p.attempt
WHERE p.batch_id = $1 AND p.lane = $2 AND p.action = 'submit' AND p.due_at <= $3 AND p.frozen_by IS NULL
  AND p.due_at <= CASE WHEN (SELECT state FROM batches WHERE id = $1) = 'running'
                            AND NOT EXISTS (SELECT 1 FROM quarantines q WHERE q.lifted_at IS NULL) THEN $3 ELSE 0 END
  AND (p.state = 'unknown'
       OR (b.state = 'running' AND NOT EXISTS (SELECT 1 FROM quarantines q WHERE q.lifted_at IS NULL)))
  AND (p.state = 'queued'
       OR NOT EXISTS (SELECT 1 FROM receipts r WHERE r.reference = a.reference AND r.due_at IS NOT NULL))
ORDER BY p.due_at, p.row
LIMIT $4 OFFSET $5
