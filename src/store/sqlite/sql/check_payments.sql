-- A payout is paid exactly when one transfer says so, in its amount. No attempt is both paid and released, unless its money
-- was set aside again in between; nor is anything released of an attempt that is not over. Of the rows after $2 up to $3 of
-- batch $1.
SELECT 'payout ' || lower(hex(p.id)) || ' is ' || p.state || ' with ' || COALESCE(t.payments, 0) || ' payments of '
       || COALESCE(t.amount, 0) || ' and ' || COALESCE(t.releases, 0) || ' releases, ' || COALESCE(t.wrong, 0)
       || ' of them of attempts that were paid' AS what
FROM payouts p
LEFT JOIN (SELECT row, SUM(payments) AS payments, SUM(amount) AS amount, SUM(releases) AS releases,
                  SUM(payments > 0 AND releases > again) AS wrong
           FROM (SELECT row, attempt, SUM(kind = 'paid') AS payments,
                        SUM(CASE WHEN kind = 'paid' THEN amount ELSE 0 END) AS amount, SUM(kind = 'release') AS releases,
                        SUM(kind IN ('reserve', 'receivable')) AS again
                 FROM transfers WHERE batch_id = $1 AND row > $2 AND row <= $3 GROUP BY row, attempt)
           GROUP BY row) AS t ON t.row = p.row
WHERE p.batch_id = $1 AND p.row > $2 AND p.row <= $3
  AND ((p.state = 'paid') <> (COALESCE(t.payments, 0) = 1)
       OR COALESCE(t.payments, 0) > 1
       OR (p.state = 'paid' AND t.amount <> p.amount)
       OR COALESCE(t.wrong, 0) > 0
       OR (p.state IN ('queued', 'sending', 'accepted', 'unknown')
           AND EXISTS (SELECT 1 FROM transfers r
                       WHERE r.batch_id = p.batch_id AND r.row = p.row AND r.attempt = p.attempt AND r.kind = 'release')))
