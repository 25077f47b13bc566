SELECT a.kind || COALESCE(' ' || a.lane, '') AS account, a.currency,
       SUM(d.debits) AS debits, SUM(d.credits) AS credits
FROM (SELECT debit_account AS account, amount AS debits, 0 AS credits FROM transfers
      UNION ALL
      SELECT credit_account, 0, amount FROM transfers) AS d
JOIN accounts a ON a.id = d.account
GROUP BY 1, 2
ORDER BY 2, 1
