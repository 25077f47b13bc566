-- A payout is paid exactly when one transfer says so, in its amount. What was set aside for it last, at the approval or at a
-- retry (from its first_attempt on), is paid or released once, unless it was set aside again in between; a payment of an
-- earlier attempt that was released spends it too. Nothing is released of an attempt that is not over. What was really paid
-- is told twice: a payout says it where it is not the amount, and one difference makes the books agree, by just as much and
-- out of the right account. What came back is what was paid, once, and the wallet got of it no more than it was charged. Of
-- the rows after $2 up to $3 of batch $1.
SELECT 'payout ' || lower(hex(p.id)) || ' of ' || p.amount || ' is ' || p.state || ' with ' || COALESCE(t.payments, 0)
       || ' payments of ' || COALESCE(t.amount, 0) || ' and ' || COALESCE(t.releases, 0)
       || ' releases; what was set aside for it last was spent ' || COALESCE(t.spent, 0) || ' times; it says that '
       || COALESCE(p.paid_amount, p.amount) || ' was paid, with ' || COALESCE(t.differences, 0) || ' differences of '
       || COALESCE(t.difference, 0) || '; ' || COALESCE(t.reversed, 0) || ' came back, ' || COALESCE(t.refunded, 0)
       || ' of it to the wallet' AS what
FROM payouts p
LEFT JOIN (SELECT a.row, SUM(payments) AS payments, SUM(a.amount) AS amount, SUM(releases) AS releases,
                  SUM(CASE WHEN a.attempt >= o.first_attempt THEN payments + releases - again
                           ELSE payments > 0 AND releases > again END) AS spent,
                  SUM(differences) AS differences, SUM(difference) AS difference, SUM(reversed) AS reversed,
                  SUM(refunded) AS refunded
           FROM (SELECT row, attempt, SUM(kind = 'paid') AS payments,
                        SUM(CASE WHEN kind = 'paid' THEN amount ELSE 0 END) AS amount, SUM(kind = 'release') AS releases,
                        SUM(kind IN ('reserve', 'receivable')) AS again, SUM(kind = 'difference') AS differences,
                        SUM(CASE WHEN kind <> 'difference' THEN 0
                                 WHEN (SELECT d.kind FROM accounts d WHERE d.id = debit_account) = 'suspense' THEN amount
                                 ELSE -amount END) AS difference,
                        SUM(CASE WHEN kind = 'reversal' THEN amount ELSE 0 END) AS reversed,
                        SUM(CASE WHEN kind = 'refund' THEN amount ELSE 0 END) AS refunded
                 FROM transfers WHERE batch_id = $1 AND row > $2 AND row <= $3 GROUP BY row, attempt) AS a
           JOIN payouts o ON o.batch_id = $1 AND o.row = a.row
           GROUP BY a.row) AS t ON t.row = p.row
WHERE p.batch_id = $1 AND p.row > $2 AND p.row <= $3
  AND ((p.state = 'paid') <> (COALESCE(t.payments, 0) = 1)
       OR COALESCE(t.payments, 0) > 1
       OR (p.state = 'paid' AND t.amount <> p.amount)
       OR COALESCE(t.spent, 0) > 1
       OR COALESCE(t.differences, 0) <> (p.paid_amount IS NOT NULL)
       OR COALESCE(t.difference, 0) <> COALESCE(p.paid_amount, p.amount) - p.amount
       OR COALESCE(t.reversed, 0)
          <> (p.state = 'paid' AND p.reason_code IS 'reversed') * COALESCE(p.paid_amount, p.amount)
       OR COALESCE(t.refunded, 0)
          <> (p.state = 'paid' AND p.reason_code IS 'reversed') * MIN(COALESCE(p.paid_amount, p.amount), p.amount)
       OR (p.state IN ('queued', 'sending', 'accepted', 'unknown')
           AND EXISTS (SELECT 1 FROM transfers r
                       WHERE r.batch_id = p.batch_id AND r.row = p.row AND r.attempt = p.attempt AND r.kind = 'release')))
