-- The rows of a list of SMS. A row that is there already is trouble, not a repetition.
INSERT INTO messages (id, organisation_id, batch_id, row, purpose, lane, msisdn, segments, cost, currency, state, due_at,
                      created_at)
SELECT unhex(value ->> 'message'), $2, $3, value ->> 'row', 'bulk', value ->> 'lane', value ->> 'msisdn',
       value ->> 'segments', value ->> 'amount', $4, 'queued', $5, $5
FROM json_each($1)
