-- What the ledger moved for batch $1, by kind and accounts.
SELECT s.kind, d.kind AS debit_kind, c.kind AS credit_kind, s.transfers, s.amount, s.position
FROM (SELECT kind, debit_account, credit_account, COUNT(*) AS transfers, CAST(SUM(amount) AS BIGINT) AS amount,
             MAX(position) AS position
      FROM transfers WHERE batch_id = $1 AND row IS NOT NULL GROUP BY kind, debit_account, credit_account
      UNION ALL
      SELECT kind, debit_account, credit_account, COUNT(*), CAST(SUM(amount) AS BIGINT), MAX(position)
      FROM transfers WHERE batch_id = $1 AND batch_id IS NOT NULL AND row IS NULL GROUP BY kind, debit_account, credit_account) AS s
JOIN accounts d ON d.id = s.debit_account
JOIN accounts c ON c.id = s.credit_account
