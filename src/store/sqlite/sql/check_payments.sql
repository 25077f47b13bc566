-- A payout is paid exactly when one transfer says so, in its amount. What was set aside for it last, at the approval or at a
-- retry (from its first_attempt on), is paid or released once, unless it was set aside again in between; a payment of an
-- earlier attempt that was released spends it too. Nothing is released of an attempt that is not over. Of the rows after $2
-- up to $3 of batch $1.
SELECT 'payout ' || lower(hex(p.id)) || ' is ' || p.state || ' with ' || COALESCE(t.payments, 0) || ' payments of '
       || COALESCE(t.amount, 0) || ' and ' || COALESCE(t.releases, 0) || ' releases; what was set aside for it last was spent '
       || COALESCE(t.spent, 0) || ' times' AS what
FROM payouts p
LEFT JOIN (SELECT a.row, SUM(payments) AS payments, SUM(a.amount) AS amount, SUM(releases) AS releases,
                  SUM(CASE WHEN a.attempt >= o.first_attempt THEN payments + releases - again
                           ELSE payments > 0 AND releases > again END) AS spent
           FROM (SELECT row, attempt, SUM(kind = 'paid') AS payments,
                        SUM(CASE WHEN kind = 'paid' THEN amount ELSE 0 END) AS amount, SUM(kind = 'release') AS releases,
                        SUM(kind IN ('reserve', 'receivable')) AS again
                 FROM transfers WHERE batch_id = $1 AND row > $2 AND row <= $3 GROUP BY row, attempt) AS a
           JOIN payouts o ON o.batch_id = $1 AND o.row = a.row
           GROUP BY a.row) AS t ON t.row = p.row
WHERE p.batch_id = $1 AND p.row > $2 AND p.row <= $3
  AND ((p.state = 'paid') <> (COALESCE(t.payments, 0) = 1)
       OR COALESCE(t.payments, 0) > 1
       OR (p.state = 'paid' AND t.amount <> p.amount)
       OR COALESCE(t.spent, 0) > 1
       OR (p.state IN ('queued', 'sending', 'accepted', 'unknown')
           AND EXISTS (SELECT 1 FROM transfers r
                       WHERE r.batch_id = p.batch_id AND r.row = p.row AND r.attempt = p.attempt AND r.kind = 'release')))
