-- Of the next $4 rows after row $3 those that pay the same amount to the same number as another list which is open, or was
-- last paid from not before $2, and which are not told that yet: each such list, the newest first, by its first such row.
SELECT f.row, f.batch_id, f.batch_name, f.batch_created_at, f.other_row
FROM (SELECT p.row, o.batch_id, o.batch_name, o.batch_created_at, MIN(o.row) AS other_row
      FROM (SELECT organisation_id, batch_id, row, msisdn, amount, currency FROM payouts
            WHERE batch_id = $1 AND row > $3 ORDER BY row LIMIT $4) p
      JOIN payments o ON o.organisation_id = p.organisation_id AND o.msisdn = p.msisdn AND o.amount = p.amount
                     AND o.currency = p.currency AND o.batch_id <> p.batch_id
      WHERE o.standing OR o.last_paid_at >= $2
      GROUP BY p.row, o.batch_id, o.batch_name, o.batch_created_at) f
WHERE NOT EXISTS (SELECT 1 FROM told_duplicates t
                  WHERE t.batch_id = $1 AND t.row = f.row AND t.other_batch = f.batch_id AND t.other_row = f.other_row)
ORDER BY f.row, f.batch_created_at DESC, f.batch_id
