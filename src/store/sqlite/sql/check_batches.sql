-- reserved = paid + released + held, and each of them equals its transfers.
SELECT 'batch ' || lower(hex(b.id)) || ': reserved ' || b.reserved || ', paid ' || b.paid || ', released ' || b.released
       || ', held ' || COALESCE(a.balance, 0) || '; by transfers reserved ' || COALESCE(t.reserved, 0) || ', paid '
       || COALESCE(t.paid, 0) || ', released ' || COALESCE(t.released, 0) AS what
FROM batches b
LEFT JOIN accounts a ON a.batch_id = b.id
LEFT JOIN (SELECT batch_id,
                  SUM(CASE WHEN kind IN ('reserve', 'receivable') THEN amount ELSE 0 END) AS reserved,
                  SUM(CASE WHEN kind IN ('paid', 'fee', 'tax', 'sms') THEN amount ELSE 0 END) AS paid,
                  SUM(CASE WHEN kind = 'release' THEN amount ELSE 0 END) AS released
           FROM transfers WHERE batch_id IS NOT NULL GROUP BY batch_id) AS t ON t.batch_id = b.id
WHERE b.reserved <> b.paid + b.released + COALESCE(a.balance, 0)
   OR b.reserved <> COALESCE(t.reserved, 0) OR b.paid <> COALESCE(t.paid, 0) OR b.released <> COALESCE(t.released, 0)
