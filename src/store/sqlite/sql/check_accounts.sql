-- What the transfers after position $1 up to $2 took from and brought to each account.
SELECT account, SUM(debits) AS debits, SUM(credits) AS credits
FROM (SELECT debit_account AS account, amount AS debits, 0 AS credits FROM transfers WHERE position > $1 AND position <= $2
      UNION ALL
      SELECT credit_account, 0, amount FROM transfers WHERE position > $1 AND position <= $2)
GROUP BY account
