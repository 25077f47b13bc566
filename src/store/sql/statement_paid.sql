-- What we learnt to be paid through lane $1 from $2 on.
SELECT id FROM payouts WHERE lane = $1 AND state = 'paid' AND settled_at >= $2 ORDER BY batch_id, row
