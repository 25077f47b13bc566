-- A payout is paid exactly when one transfer says so, in its amount. What was set aside for it last, at the approval or at a
-- retry (from its first_attempt on), is paid or released once, unless it was set aside again in between; a payment of an
-- earlier attempt that was released spends it too. Nothing is released of an attempt that is not over. What was really paid
-- is told twice: a payout says it where it is not the amount, and one difference makes the books agree, by just as much and
-- out of the right account. What came back is what was paid, once, and the wallet got of it no more than it was charged. Of
-- the rows after $2 up to $3 of batch $1.
SELECT 'payout ' || lower(hex(t.id)) || ' of ' || t.amount || ' is ' || t.state || ' with ' || t.payments || ' payments of ' || t.paid
       || ' and ' || t.releases || ' releases; what was set aside for it last was spent ' || t.spent || ' times; it says that '
       || t.really || ' was paid, with ' || t.differences || ' differences of ' || t.difference || '; ' || t.reversed
       || ' came back, ' || t.refunded || ' of it to the wallet' AS what
FROM (SELECT p.id, p.batch_id, p.row, p.state, p.amount, p.attempt, p.paid_amount,
             COALESCE(p.paid_amount, p.amount) AS really, p.state = 'paid' AND p.reason_code IS 'reversed' AS back,
             SUM(m.kind IS 'paid') AS payments, SUM(CASE m.kind WHEN 'paid' THEN m.amount ELSE 0 END) AS paid,
             SUM(m.kind IS 'release') AS releases, SUM(m.kind IS 'difference') AS differences,
             SUM(CASE WHEN m.kind IS NOT 'difference' THEN 0
                      WHEN (SELECT d.kind FROM accounts d WHERE d.id = m.debit_account) = 'suspense' THEN m.amount
                      ELSE -m.amount END) AS difference,
             SUM(CASE m.kind WHEN 'reversal' THEN m.amount ELSE 0 END) AS reversed,
             SUM(CASE m.kind WHEN 'refund' THEN m.amount ELSE 0 END) AS refunded,
             SUM(CASE WHEN m.attempt < p.first_attempt THEN 0
                      WHEN m.kind IN ('paid', 'release') THEN 1
                      WHEN m.kind IN ('reserve', 'receivable') THEN -1
                      ELSE 0 END)
             + CASE WHEN MIN(m.attempt) < p.first_attempt
                    THEN (SELECT COUNT(*)
                          FROM (SELECT SUM(e.kind = 'paid') > 0
                                       AND SUM(e.kind = 'release') > SUM(e.kind IN ('reserve', 'receivable')) AS spends
                                FROM transfers e
                                WHERE e.batch_id = p.batch_id AND e.row = p.row AND e.attempt < p.first_attempt
                                GROUP BY e.attempt)
                          WHERE spends)
                    ELSE 0 END AS spent
      FROM payouts p
      LEFT JOIN transfers m ON m.batch_id = p.batch_id AND m.row = p.row
      WHERE p.batch_id = $1 AND p.row > $2 AND p.row <= $3
      GROUP BY p.row) AS t
WHERE (t.state = 'paid') <> (t.payments = 1)
   OR t.payments > 1
   OR (t.state = 'paid' AND t.paid <> t.amount)
   OR t.spent > 1
   OR t.differences <> (t.paid_amount IS NOT NULL)
   OR t.difference <> t.really - t.amount
   OR t.reversed <> t.back * t.really
   OR t.refunded <> t.back * MIN(t.really, t.amount)
   OR (t.state IN ('queued', 'sending', 'accepted', 'unknown')
       AND EXISTS (SELECT 1 FROM transfers r
                   WHERE r.batch_id = t.batch_id AND r.row = t.row AND r.attempt = t.attempt AND r.kind = 'release'))
