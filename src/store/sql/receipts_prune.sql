-- Of what nobody vouches for, the newest $2 of a lane are kept.
DELETE FROM receipts
WHERE id IN (SELECT o.id FROM receipts o WHERE o.lane = $1 AND o.vouched = 0
             ORDER BY o.rowid DESC LIMIT 10000 OFFSET $2)
