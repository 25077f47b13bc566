-- The next suspect of a lane, unless one is in hand, of whichever lane: a process that dies with two of them says nothing about
-- either. The condition of the index stands in both parts word for word.
SELECT p.id, p.organisation_id, p.batch_id, p.row, p.lane, p.msisdn, p.amount, p.fee, p.tax, p.currency, p.state, p.claim,
       p.attempt, p.first_attempt, p.step, p.exposed, p.not_found, p.not_found_at, p.intended_at, p.sent_at, p.frozen_by,
       p.claims + p.deaths AS died
FROM payouts p
WHERE p.lane = $1 AND p.claims + p.deaths >= 2 AND p.action = 'query' AND p.due_at <= $2
  AND NOT EXISTS (SELECT 1 FROM payouts h
                  WHERE h.claims + h.deaths >= 2 AND h.claims + h.deaths > 2 AND h.claims > 0
                    AND h.due_at > $2)
ORDER BY p.due_at, p.row
LIMIT 1
