-- A message of a list is charged exactly when it is, or may be, out; what surely was not sent is given back (the hold of a
-- batch that was cancelled before it ran went back as a whole).
SELECT 'message ' || lower(hex(m.id)) || ' (' || m.cost || ') is ' || m.state || ' with ' || COALESCE(t.charges, 0)
       || ' charges of ' || COALESCE(t.amount, 0) || ' and ' || COALESCE(t.releases, 0) || ' releases' AS what
FROM messages m
JOIN batches b ON b.id = m.batch_id
LEFT JOIN (SELECT batch_id, row, SUM(kind = 'sms') AS charges, SUM(kind = 'release') AS releases, SUM(amount) AS amount
           FROM transfers WHERE row IS NOT NULL GROUP BY batch_id, row) AS t ON t.batch_id = m.batch_id AND t.row = m.row
LEFT JOIN (SELECT DISTINCT batch_id FROM transfers WHERE kind = 'release' AND row IS NULL) AS w ON w.batch_id = m.batch_id
WHERE m.purpose = 'bulk'
  AND (COALESCE(t.charges, 0) <> (m.cost > 0 AND m.state IN ('submitted', 'delivered', 'undelivered', 'expired', 'unknown'))
       OR COALESCE(t.releases, 0) > (m.state IN ('rejected', 'cancelled'))
       OR (m.cost > 0 AND m.state IN ('rejected', 'cancelled') AND COALESCE(t.releases, 0) = 0 AND b.reserved > 0
           AND w.batch_id IS NULL)
       OR (t.amount IS NOT NULL AND t.amount <> m.cost))
