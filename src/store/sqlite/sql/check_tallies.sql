-- The counters of every batch that was read to its end against its rows.
SELECT 'batch ' || lower(hex(t.batch_id)) || ' counts ' || t.rows || ' ' || t.state || ' of ' || t.amount || ', has '
       || COALESCE(p.rows, 0) || ' of ' || COALESCE(p.amount, 0) AS what
FROM batch_tallies t
JOIN batches b ON b.id = t.batch_id AND b.state NOT IN ('importing', 'import_failed')
LEFT JOIN (SELECT batch_id, state, COUNT(*) AS rows, SUM(amount) AS amount, SUM(amount + fee + tax) AS total
           FROM payouts GROUP BY batch_id, state
           UNION ALL
           SELECT batch_id, state, COUNT(*), SUM(cost), SUM(cost) FROM messages WHERE purpose = 'bulk'
           GROUP BY batch_id, state) AS p ON p.batch_id = t.batch_id AND p.state = t.state
WHERE t.rows <> COALESCE(p.rows, 0) OR t.amount <> COALESCE(p.amount, 0) OR t.total <> COALESCE(p.total, 0)
