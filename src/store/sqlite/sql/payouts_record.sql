UPDATE payouts
SET state = c.to_state,
    action = c.action,
    due_at = c.due_at,
    claim = payouts.claim + 1,
    claims = 0,
    deaths = CASE c.deaths WHEN 'add' THEN payouts.deaths + payouts.claims WHEN 'keep' THEN payouts.deaths ELSE 0 END,
    attempt = c.attempt,
    step = c.step,
    exposed = c.exposed,
    not_found = c.not_found,
    not_found_at = c.not_found_at,
    intended_at = CASE c.new_attempt WHEN 1 THEN NULL ELSE payouts.intended_at END,
    -- What was wrong before it was paid is no matter; that the payment was taken back since stays.
    reason_code = CASE WHEN c.to_state = 'paid' AND payouts.state <> 'paid' THEN NULL
                       ELSE COALESCE(c.reason_code, payouts.reason_code) END,
    reason = CASE WHEN c.to_state = 'paid' AND payouts.state <> 'paid' THEN NULL ELSE COALESCE(c.reason, payouts.reason) END,
    transaction_id = COALESCE(c.transaction_id, payouts.transaction_id),
    settled_at = COALESCE(c.settled_at, payouts.settled_at),
    frozen_by = COALESCE(c.frozen_by, payouts.frozen_by)
FROM (SELECT unhex(value ->> 'id') AS changed, value ->> 'claim' AS claimed, value ->> 'to' AS to_state,
             value ->> 'action' AS action, value ->> 'due_at' AS due_at, value ->> 'attempt' AS attempt,
             value ->> 'new_attempt' AS new_attempt, value ->> 'deaths' AS deaths,
             value ->> 'step' AS step, value ->> 'exposed' AS exposed, value ->> 'not_found' AS not_found,
             value ->> 'not_found_at' AS not_found_at, value ->> 'reason_code' AS reason_code,
             value ->> 'reason' AS reason, value ->> 'transaction_id' AS transaction_id,
             value ->> 'settled_at' AS settled_at, unhex(value ->> 'frozen_by') AS frozen_by
      FROM json_each($1)) AS c
WHERE payouts.id = c.changed AND payouts.claim = c.claimed
RETURNING payouts.id, payouts.claim - 1 AS claimed
