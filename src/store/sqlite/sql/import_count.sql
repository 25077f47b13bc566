-- A message costs its amount, and neither fee nor tax.
SELECT COUNT(*) AS valid, COALESCE(SUM(amount), 0) AS amount, COALESCE(SUM(fee), 0) AS fees, COALESCE(SUM(tax), 0) AS tax,
       (SELECT COUNT(*) FROM rejected_rows WHERE batch_id = $1) AS invalid
FROM (SELECT amount, fee, tax FROM payouts WHERE batch_id = $1
      UNION ALL
      SELECT cost, 0, 0 FROM messages WHERE batch_id = $1 AND purpose = 'bulk')
