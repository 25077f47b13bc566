-- No transfer is in a currency that is not its account's.
SELECT 'transfer ' || t.position || ' is in ' || t.currency || ', its accounts are not' AS what
FROM transfers t JOIN accounts d ON d.id = t.debit_account JOIN accounts c ON c.id = t.credit_account
WHERE t.position > $1 AND t.position <= $2 AND (t.currency <> d.currency OR t.currency <> c.currency)
