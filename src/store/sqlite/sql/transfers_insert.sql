INSERT INTO transfers (organisation_id, kind, debit_account, credit_account, amount, currency, batch_id, row, payout_id,
                       attempt, created_at)
SELECT unhex(value ->> 'organisation'), value ->> 'kind', unhex(value ->> 'debit'), unhex(value ->> 'credit'),
       value ->> 'amount', value ->> 'currency', unhex(value ->> 'batch'), value ->> 'row', unhex(value ->> 'payout'),
       value ->> 'attempt', $2
FROM json_each($1)
