SELECT p.id, p.organisation_id, p.batch_id, p.row, p.lane, p.msisdn, p.amount, p.fee, p.tax, p.currency, p.state, p.claim,
       p.attempt, p.first_attempt, p.step, p.exposed, p.not_found, p.not_found_at, p.intended_at, p.sent_at, p.frozen_by,
       e.quarantine, e.attempt AS asked, e.claim AS enquiry_claim, d.note
FROM quarantine_enquiries e
JOIN payouts p ON p.batch_id = e.batch_id AND p.row = e.row
LEFT JOIN payout_details d ON d.batch_id = e.batch_id AND d.row = e.row
WHERE e.lane = $1 AND e.said IS NULL AND e.due_at <= $2
  AND e.quarantine = (SELECT q.id FROM quarantines q WHERE q.lifted_at IS NULL)
ORDER BY e.due_at
LIMIT $3
