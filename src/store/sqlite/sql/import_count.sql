SELECT COUNT(*) AS valid, COALESCE(SUM(amount), 0) AS amount, COALESCE(SUM(fee), 0) AS fees, COALESCE(SUM(tax), 0) AS tax,
       (SELECT COUNT(*) FROM rejected_rows WHERE batch_id = $1) AS invalid
FROM payouts WHERE batch_id = $1
