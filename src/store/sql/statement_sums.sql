-- What came into wallet $1 and went out of it after position $2 up to $3, and the last position of it.
SELECT CAST(COALESCE(SUM(s.incoming), 0) AS BIGINT) AS incoming, CAST(COALESCE(SUM(s.outgoing), 0) AS BIGINT) AS outgoing,
       MAX(s.position) AS position
FROM (SELECT amount AS incoming, 0 AS outgoing, position FROM transfers
      WHERE credit_account = $1 AND kind NOT IN ('paid', 'fee', 'tax', 'sms') AND position > $2 AND position <= $3
      UNION ALL
      SELECT 0, amount, position FROM transfers
      WHERE debit_account = $1 AND kind NOT IN ('paid', 'fee', 'tax', 'sms') AND position > $2 AND position <= $3) AS s
