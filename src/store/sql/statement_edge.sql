-- The first transfer of wallet $1 that is not older than $2. What a wallet never takes part in is left out by kind, as in
-- the indexes.
SELECT MIN(e.position) AS position
FROM (SELECT MIN(position) AS position FROM transfers
      WHERE debit_account = $1 AND kind NOT IN ('paid', 'fee', 'tax', 'sms') AND created_at >= $2
      UNION ALL
      SELECT MIN(position) FROM transfers
      WHERE credit_account = $1 AND kind NOT IN ('paid', 'fee', 'tax', 'sms') AND created_at >= $2) AS e
