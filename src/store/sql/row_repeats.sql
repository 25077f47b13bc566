-- The first row of the list that pays the same number, the same amount before others. Of two rows one is told: not a row that
-- is told of this one itself, or of the corrected one and so is judged again.
SELECT p.row, p.amount = $3 AS same
FROM payouts p
WHERE p.organisation_id = $1 AND p.msisdn = $2 AND p.batch_id = $4 AND p.row <> $5
  AND NOT EXISTS (SELECT 1 FROM issues i WHERE i.batch_id = p.batch_id AND i.row = p.row AND i.other_row IN ($5, $6))
ORDER BY p.amount <> $3, p.row
LIMIT 1
