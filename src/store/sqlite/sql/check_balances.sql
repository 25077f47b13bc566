-- Folded balances against the sum of their transfers, and no transfer in a currency that is not its account's.
SELECT 'account ' || lower(hex(a.id)) || ' (' || a.kind || ') holds ' || a.balance || ', its transfers sum to '
       || COALESCE(t.total, 0) AS what
FROM accounts a
LEFT JOIN (SELECT account, SUM(by) AS total
           FROM (SELECT debit_account AS account, -amount AS by FROM transfers
                 UNION ALL
                 SELECT credit_account, amount FROM transfers)
           GROUP BY account) AS t ON t.account = a.id
WHERE a.kind IN ('wallet', 'hold') AND a.balance <> COALESCE(t.total, 0)
UNION ALL
SELECT 'transfer ' || t.position || ' is in ' || t.currency || ', its accounts are not'
FROM transfers t JOIN accounts d ON d.id = t.debit_account JOIN accounts c ON c.id = t.credit_account
WHERE t.currency <> d.currency OR t.currency <> c.currency
