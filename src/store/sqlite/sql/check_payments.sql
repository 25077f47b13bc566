-- A payout is paid exactly when one transfer says so, in its amount, and never both paid and released.
SELECT 'payout ' || lower(hex(p.id)) || ' is ' || p.state || ' with ' || COALESCE(t.payments, 0) || ' payments of '
       || COALESCE(t.amount, 0) || ' and ' || COALESCE(t.releases, 0) || ' releases' AS what
FROM payouts p
LEFT JOIN (SELECT batch_id, row, SUM(kind = 'paid') AS payments, SUM(CASE WHEN kind = 'paid' THEN amount ELSE 0 END) AS amount,
                  SUM(kind = 'release') AS releases
           FROM transfers WHERE row IS NOT NULL GROUP BY batch_id, row) AS t ON t.batch_id = p.batch_id AND t.row = p.row
WHERE (p.state = 'paid') <> (COALESCE(t.payments, 0) = 1)
   OR COALESCE(t.payments, 0) > 1
   OR (p.state = 'paid' AND t.amount <> p.amount)
   OR (COALESCE(t.payments, 0) > 0 AND COALESCE(t.releases, 0) > 0)
   OR (p.state IN ('queued', 'sending', 'accepted', 'unknown') AND COALESCE(t.releases, 0) > 0)
