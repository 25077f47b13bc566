-- What was really paid is told twice: a payout says it where it is not the amount, and one difference makes the books agree,
-- by just as much and out of the right account. What came back is what was paid, once, and the wallet got of it no more than
-- it was charged. Of the rows after $2 up to $3 of batch $1.
SELECT 'payout ' || lower(hex(p.id)) || ' of ' || p.amount || ' says that ' || COALESCE(p.paid_amount, p.amount)
       || ' was paid, with ' || COALESCE(t.differences, 0) || ' differences of ' || COALESCE(t.difference, 0) || '; '
       || COALESCE(t.reversed, 0) || ' came back, ' || COALESCE(t.refunded, 0) || ' of it to the wallet' AS what
FROM payouts p
LEFT JOIN (SELECT m.row, SUM(m.kind = 'difference') AS differences,
                  SUM(CASE WHEN m.kind <> 'difference' THEN 0 WHEN d.kind = 'suspense' THEN m.amount ELSE -m.amount END)
                      AS difference,
                  SUM(CASE WHEN m.kind = 'reversal' THEN m.amount ELSE 0 END) AS reversed,
                  SUM(CASE WHEN m.kind = 'refund' THEN m.amount ELSE 0 END) AS refunded
           FROM transfers m JOIN accounts d ON d.id = m.debit_account
           WHERE m.batch_id = $1 AND m.row > $2 AND m.row <= $3 AND m.kind IN ('difference', 'reversal', 'refund')
           GROUP BY m.row) AS t ON t.row = p.row
WHERE p.batch_id = $1 AND p.row > $2 AND p.row <= $3
  AND (COALESCE(t.differences, 0) <> (p.paid_amount IS NOT NULL)
       OR COALESCE(t.difference, 0) <> COALESCE(p.paid_amount, p.amount) - p.amount
       OR COALESCE(t.reversed, 0)
          <> (p.state = 'paid' AND p.reason_code IS 'reversed') * COALESCE(p.paid_amount, p.amount)
       OR COALESCE(t.refunded, 0)
          <> (p.state = 'paid' AND p.reason_code IS 'reversed') * MIN(COALESCE(p.paid_amount, p.amount), p.amount))
