UPDATE messages
SET state = c.to_state, due_at = c.due_at, claim = messages.claim + 1, step = c.step,
    gateway_id = COALESCE(c.gateway_id, messages.gateway_id), reason_code = c.reason_code, reason = c.reason,
    settled_at = c.settled_at
FROM (SELECT unhex(value ->> 'id') AS changed, value ->> 'claim' AS claimed, value ->> 'to' AS to_state,
             value ->> 'due_at' AS due_at, value ->> 'step' AS step, value ->> 'gateway_id' AS gateway_id,
             value ->> 'reason_code' AS reason_code, value ->> 'reason' AS reason, value ->> 'settled_at' AS settled_at
      FROM json_each($1)) AS c
WHERE messages.id = c.changed AND messages.claim = c.claimed
RETURNING messages.id, messages.claim - 1 AS claimed
