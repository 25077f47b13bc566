-- The counters of batch $1, once it was read to its end, against its rows.
SELECT 'batch ' || lower(hex(t.batch_id)) || ' counts ' || t.rows || ' ' || t.state || ' of ' || t.amount || ', has '
       || COALESCE(p.rows, 0) || ' of ' || COALESCE(p.amount, 0) AS what
FROM batch_tallies t
JOIN batches b ON b.id = t.batch_id AND b.state NOT IN ('importing', 'import_failed')
LEFT JOIN (SELECT state, COUNT(*) AS rows, SUM(amount) AS amount, SUM(amount + fee + tax) AS total
           FROM payouts WHERE batch_id = $1 GROUP BY state
           UNION ALL
           SELECT state, COUNT(*), SUM(cost), SUM(cost) FROM messages WHERE batch_id = $1 AND purpose = 'bulk'
           GROUP BY state) AS p ON p.state = t.state
WHERE t.batch_id = $1
  AND (t.rows <> COALESCE(p.rows, 0) OR t.amount <> COALESCE(p.amount, 0) OR t.total <> COALESCE(p.total, 0))
