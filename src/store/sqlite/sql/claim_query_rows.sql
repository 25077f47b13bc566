SELECT p.id, p.organisation_id, p.batch_id, p.row, p.lane, p.msisdn, p.amount, p.fee, p.tax, p.currency, p.state, p.claim,
       p.attempt, p.first_attempt, p.step, p.exposed, p.not_found, p.not_found_at, p.intended_at, p.sent_at, p.frozen_by
FROM payouts p
WHERE p.lane = $1 AND p.action = 'query' AND p.due_at <= $2 AND p.claims + p.deaths < 2
ORDER BY p.due_at
LIMIT $3
