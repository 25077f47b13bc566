-- The transfers of wallet $1 after position $2 up to $3, at most $4.
SELECT m.position, m.created_at, m.kind, COALESCE(m.reference, d.reference) AS reference, m.batch_id, b.name AS batch_name,
       m.row, m.payout_id, m.amount
FROM (SELECT position, created_at, kind, reference, batch_id, row, payout_id, amount FROM transfers
      WHERE credit_account = $1 AND kind NOT IN ('paid', 'fee', 'tax', 'sms') AND position > $2 AND position <= $3
      UNION ALL
      SELECT position, created_at, kind, reference, batch_id, row, payout_id, -amount FROM transfers
      WHERE debit_account = $1 AND kind NOT IN ('paid', 'fee', 'tax', 'sms') AND position > $2 AND position <= $3
      ORDER BY 1
      LIMIT $4) AS m
LEFT JOIN batches b ON b.id = m.batch_id
LEFT JOIN payout_details d ON d.batch_id = m.batch_id AND d.row = m.row
ORDER BY m.position
