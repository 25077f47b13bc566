INSERT INTO payout_events (batch_id, row, claim, kind, at, detail)
SELECT unhex(value ->> 'batch'), value ->> 'row', value ->> 'claim', value ->> 'kind', $2, value ->> 'detail'
FROM json_each($1)
