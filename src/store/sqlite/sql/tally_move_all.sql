-- $2 → $3, whole.
UPDATE batch_tallies AS t
SET rows   = CASE t.state WHEN $2 THEN 0 ELSE t.rows + o.rows END,
    amount = CASE t.state WHEN $2 THEN 0 ELSE t.amount + o.amount END,
    total  = CASE t.state WHEN $2 THEN 0 ELSE t.total + o.total END
FROM (SELECT rows, amount, total FROM batch_tallies WHERE batch_id = $1 AND state = $2) AS o
WHERE t.batch_id = $1 AND t.state IN ($2, $3)
