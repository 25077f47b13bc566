-- A message of list $1 is charged exactly when it is, or may be, out; what surely was not sent is given back (the hold of a
-- batch that was cancelled before it ran went back as a whole). Of the rows after $2 up to $3.
SELECT 'message ' || lower(hex(m.id)) || ' (' || m.cost || ') is ' || m.state || ' with ' || COALESCE(t.charges, 0)
       || ' charges of ' || COALESCE(t.amount, 0) || ' and ' || COALESCE(t.releases, 0) || ' releases' AS what
FROM messages m
JOIN batches b ON b.id = m.batch_id
LEFT JOIN (SELECT row, SUM(kind = 'sms') AS charges, SUM(kind = 'release') AS releases, SUM(amount) AS amount
           FROM transfers WHERE batch_id = $1 AND row > $2 AND row <= $3 GROUP BY row) AS t ON t.row = m.row
WHERE m.batch_id = $1 AND m.row > $2 AND m.row <= $3 AND m.purpose = 'bulk'
  AND (COALESCE(t.charges, 0) <> (m.cost > 0 AND m.state IN ('submitted', 'delivered', 'undelivered', 'expired', 'unknown'))
       OR COALESCE(t.releases, 0) > (m.state IN ('rejected', 'cancelled'))
       OR (m.cost > 0 AND m.state IN ('rejected', 'cancelled') AND COALESCE(t.releases, 0) = 0 AND b.reserved > 0
           AND NOT EXISTS (SELECT 1 FROM transfers w WHERE w.batch_id = $1 AND w.row IS NULL AND w.kind = 'release'))
       OR (t.amount IS NOT NULL AND t.amount <> m.cost))
