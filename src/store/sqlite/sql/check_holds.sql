-- The hold of batch $1 is what its unfinished rows need, and nothing once it is closed (the rows of one that was cancelled
-- before it ran are swept after its hold went back).
SELECT 'batch ' || lower(hex(b.id)) || ' (' || b.state || ') holds ' || a.balance || ', its unfinished rows need '
       || p.needed AS what
FROM batches b
JOIN accounts a ON a.batch_id = b.id
JOIN (SELECT COALESCE((SELECT SUM(amount + fee + tax) FROM payouts
                       WHERE batch_id = $1 AND state IN ('queued', 'sending', 'accepted', 'unknown')), 0)
           + COALESCE((SELECT SUM(cost) FROM messages
                       WHERE batch_id = $1 AND purpose = 'bulk' AND state IN ('queued', 'sending')), 0) AS needed) AS p
WHERE b.id = $1 AND a.balance <> CASE b.state WHEN 'cancelled' THEN 0 ELSE p.needed END
