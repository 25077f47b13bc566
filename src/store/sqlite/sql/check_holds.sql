-- The hold of a batch is what its unfinished rows need, and nothing once it is closed (the rows of one that was cancelled
-- before it ran are swept after its hold went back).
SELECT 'batch ' || lower(hex(b.id)) || ' (' || b.state || ') holds ' || a.balance || ', its unfinished rows need '
       || COALESCE(p.needed, 0) AS what
FROM batches b
JOIN accounts a ON a.batch_id = b.id
LEFT JOIN (SELECT batch_id, SUM(amount + fee + tax) AS needed FROM payouts
           WHERE state IN ('queued', 'sending', 'accepted', 'unknown') GROUP BY batch_id
           UNION ALL
           SELECT batch_id, SUM(cost) FROM messages
           WHERE purpose = 'bulk' AND state IN ('queued', 'sending') GROUP BY batch_id) AS p ON p.batch_id = b.id
WHERE a.balance <> CASE b.state WHEN 'cancelled' THEN 0 ELSE COALESCE(p.needed, 0) END
