INSERT INTO messages (id, organisation_id, batch_id, row, purpose, lane, msisdn, segments, cost, currency, state, due_at,
                      created_at)
SELECT unhex(value ->> 'id'), unhex(value ->> 'organisation'), unhex(value ->> 'batch'),
       value ->> 'row', value ->> 'purpose', value ->> 'lane', value ->> 'msisdn', value ->> 'segments',
       COALESCE(value ->> 'cost', 0), value ->> 'currency', 'queued', $2, $2
FROM json_each($1)
WHERE true
ON CONFLICT (batch_id, row, purpose, copy) DO NOTHING
