INSERT INTO payouts (id, organisation_id, batch_id, row, lane, msisdn, amount, fee, tax, currency, state, action, due_at,
                     created_at)
SELECT unhex(value ->> 'id'), $2, $3, value ->> 'row', value ->> 'lane', value ->> 'msisdn', value ->> 'amount',
       value ->> 'fee', value ->> 'tax', $4, 'queued', 'submit', $5, $5
FROM json_each($1)
