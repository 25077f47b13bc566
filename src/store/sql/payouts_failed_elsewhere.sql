-- Failed rows of which another list pays the same amount to the same number, by the rule of an approval: it is open, or was
-- last paid from not before $2.
SELECT p.row
FROM payouts p
WHERE p.batch_id = $1 AND p.state = 'failed' AND p.frozen_by IS NULL
  AND EXISTS (SELECT 1 FROM payments o
              WHERE o.organisation_id = p.organisation_id AND o.msisdn = p.msisdn AND o.amount = p.amount
                AND o.currency = p.currency AND o.batch_id <> p.batch_id AND (o.standing OR o.last_paid_at >= $2))
ORDER BY p.row
