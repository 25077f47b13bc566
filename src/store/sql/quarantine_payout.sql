SELECT p.id, p.organisation_id, p.batch_id, p.row, p.lane, p.msisdn, p.amount, p.fee, p.tax, p.currency, p.state, p.claim,
       p.attempt, p.first_attempt, p.step, p.exposed, p.not_found, p.not_found_at, p.intended_at, p.sent_at, p.frozen_by,
       b.state AS batch_state, q.gap_from,
       EXISTS (SELECT 1 FROM attempts a WHERE a.batch_id = p.batch_id AND a.row = p.row AND a.attempt = $2) AS have,
       EXISTS (SELECT 1 FROM exceptions x WHERE x.payout_id = p.id AND x.attempt = $2
               AND x.resolution IN ('not_paid', 'reissue')) AS ruled,
       (SELECT MAX(e.attempt) FROM quarantine_enquiries e
        WHERE e.quarantine = q.id AND e.batch_id = p.batch_id AND e.row = p.row) AS last_asked
FROM payouts p
JOIN batches b ON b.id = p.batch_id
JOIN quarantines q ON q.id = $3
WHERE p.id = $1
