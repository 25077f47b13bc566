SELECT attempt, reference, lane, state, request, sends, intended_at, sent_at, answered_at, http_status, response, outcome
FROM attempts WHERE payout_id = $1 ORDER BY attempt
