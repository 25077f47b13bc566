SELECT id, batch_id, row, purpose, msisdn, lane, state, text, segments, cost, currency, gateway_id, reason_code, reason,
       created_at, sent_at, settled_at
FROM messages WHERE organisation_id = $1 AND id = $2
