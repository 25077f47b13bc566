SELECT attempt, reference, lane, state, request, sends, intended_at, sent_at, answered_at, http_status, response, outcome
FROM attempts WHERE batch_id = $1 AND row = $2 ORDER BY attempt
