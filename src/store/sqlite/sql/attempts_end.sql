UPDATE attempts
SET state = COALESCE(c.state, attempts.state),
    answered_at = c.answered_at,
    http_status = COALESCE(c.http_status, attempts.http_status),
    response = COALESCE(c.response, attempts.response),
    outcome = COALESCE(c.outcome, attempts.outcome)
FROM (SELECT unhex(value ->> 'batch') AS batch_id, value ->> 'row' AS row, value ->> 'attempt' AS attempt, value ->> 'state' AS state,
             value ->> 'answered_at' AS answered_at, value ->> 'http_status' AS http_status,
             value ->> 'response' AS response, value ->> 'outcome' AS outcome
      FROM json_each($1)) AS c
WHERE attempts.batch_id = c.batch_id AND attempts.row = c.row AND attempts.attempt = c.attempt
