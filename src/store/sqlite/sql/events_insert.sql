INSERT INTO payout_events (payout_id, at, kind, detail)
SELECT unhex(value ->> 'id'), $2, value ->> 'kind', value ->> 'detail' FROM json_each($1)
