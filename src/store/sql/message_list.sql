-- Tests are not what a batch says: each is found by its id.
SELECT id, batch_id, row, purpose, msisdn, lane, state, text, segments, cost, currency, gateway_id, reason_code, reason,
       created_at, sent_at, settled_at
FROM messages
WHERE batch_id = $1 AND purpose <> 'test' AND ($2 IS NULL OR state = $2) AND row > $3
ORDER BY row
LIMIT $4
